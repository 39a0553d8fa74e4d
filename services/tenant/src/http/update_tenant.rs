//! `PUT /tenants/{id}`

use axum::Json;
use axum::extract::State;
use common::auth::Principal;
use common::http::{Context, Id, Outcome, Raw};
use contracts::tenant::TenantView;

use super::edit::EditTenant;
use crate::app::Tenants;

/// Changes a tenant.
///
/// For its admins and platform operators. Fields that are absent stay as they are, inside `settings`
/// too. `is_active` false suspends the tenant: its people and API keys are refused everywhere, and
/// only a platform operator wakes it again.
#[utoipa::path(
    put,
    path = "/tenants/{id}",
    tag = "tenants",
    params(("id" = Uuid, Path, description = "The tenant")),
    request_body(content = EditTenant, description = "Any of the fields"),
    responses(
        (status = 200, description = "The tenant as it is now", body = TenantView),
        (status = 400, description = "Domínio já cadastrado."),
        (status = 404, description = "Tenant não encontrado"),
    )
)]
pub(super) async fn update_tenant(
    principal: Principal,
    Id(id): Id,
    context: Context,
    State(tenants): State<Tenants>,
    Raw(patch): Raw,
) -> Outcome<Json<TenantView>> {
    let tenant = tenants.update(&principal, id, &patch, context.request_id()).await?;
    Ok(Json(tenant.view()))
}
