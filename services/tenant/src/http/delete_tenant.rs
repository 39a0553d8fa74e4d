//! `DELETE /tenants/{id}`

use axum::extract::State;
use axum::http::StatusCode;
use common::auth::Principal;
use common::http::{Context, Id, Outcome};
use common::version::Precondition;

use crate::app::Tenants;

/// Removes a tenant and everything it has.
///
/// For its admins and platform operators, each in his own name. Its users, resources, categories and bookings go shortly after.
#[utoipa::path(
    delete,
    path = "/tenants/{id}",
    tag = "tenants",
    params(("id" = Uuid, Path, description = "The tenant"), Precondition),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "Tenant não encontrado"),
    )
)]
pub(super) async fn delete_tenant(
    principal: Principal,
    Id(id): Id,
    context: Context,
    wanted: Precondition,
    State(tenants): State<Tenants>,
) -> Outcome<StatusCode> {
    tenants.delete(&principal, id, &wanted, context.request_id()).await?;
    Ok(StatusCode::NO_CONTENT)
}
