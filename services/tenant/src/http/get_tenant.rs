//! `GET /tenants/{id}`

use axum::extract::State;
use common::auth::MaybePrincipal;
use common::http::{Id, Outcome};
use common::version::Versioned;
use contracts::tenant::TenantAnswer;

use super::answer;
use crate::app::Tenants;

/// Shows a tenant.
///
/// Public. Its own people and platform operators see all of it, everyone else its public fields.
#[utoipa::path(
    get,
    path = "/tenants/{id}",
    tag = "tenants",
    security((), ("bearer" = [])),
    params(("id" = Uuid, Path, description = "The tenant")),
    responses(
        (status = 200, description = "The tenant", body = TenantAnswer,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Tenant não encontrado"),
    )
)]
pub(super) async fn get_tenant(
    MaybePrincipal(reader): MaybePrincipal,
    Id(id): Id,
    State(tenants): State<Tenants>,
) -> Outcome<Versioned<TenantAnswer>> {
    let tenant = tenants.find(id).await?;
    Ok(Versioned::new(tenant.version(), answer(tenant, reader.as_ref())))
}
