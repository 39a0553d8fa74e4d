//! `GET /tenants/{id}/settings`

use axum::Json;
use axum::extract::State;
use common::auth::Principal;
use common::http::{Id, Outcome};
use contracts::tenant::SettingsView;

use crate::app::Tenants;

/// Shows a tenant's rules.
///
/// For any user of the tenant, and platform operators.
#[utoipa::path(
    get,
    path = "/tenants/{id}/settings",
    tag = "settings",
    params(("id" = Uuid, Path, description = "The tenant")),
    responses(
        (status = 200, description = "Its rules", body = SettingsView),
        (status = 403, description = "A requisição se refere a outro tenant."),
        (status = 404, description = "Configurações não encontradas"),
    )
)]
pub(super) async fn get_tenant_settings(
    principal: Principal,
    Id(id): Id,
    State(tenants): State<Tenants>,
) -> Outcome<Json<SettingsView>> {
    let tenant = tenants.find_settings(&principal, id).await?;
    Ok(Json(tenant.settings_view()))
}
