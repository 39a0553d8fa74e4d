//! `GET /tenants/{id}/settings`

use axum::extract::State;
use common::auth::Principal;
use common::http::{Id, Outcome};
use common::version::Versioned;
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
        (status = 200, description = "Its rules", body = SettingsView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 403, description = "A requisição se refere a outro tenant."),
        (status = 404, description = "Configurações não encontradas"),
    )
)]
pub(super) async fn get_tenant_settings(
    principal: Principal,
    Id(id): Id,
    State(tenants): State<Tenants>,
) -> Outcome<Versioned<SettingsView>> {
    let tenant = tenants.find_settings(&principal, id).await?;
    Ok(tenant.settings_view())
}
