//! `PUT /tenants/{id}/settings`

use axum::Json;
use axum::extract::State;
use common::auth::Caller;
use common::http::{Context, Id, Outcome, Raw};
use contracts::tenant::SettingsView;

use super::edit::EditSettings;
use crate::app::Tenants;

/// Changes a tenant's rules.
///
/// For its admins. Fields that are absent stay as they are; bookings made before keep their times.
#[utoipa::path(
    put,
    path = "/tenants/{id}/settings",
    tag = "settings",
    params(("id" = Uuid, Path, description = "The tenant")),
    request_body(content = EditSettings, description = "Any of the fields"),
    responses(
        (status = 200, description = "The rules as they are now", body = SettingsView),
        (status = 404, description = "Configurações não encontradas"),
    )
)]
pub(super) async fn update_tenant_settings(
    caller: Caller,
    Id(id): Id,
    context: Context,
    State(tenants): State<Tenants>,
    Raw(patch): Raw,
) -> Outcome<Json<SettingsView>> {
    let tenant = tenants.update_settings(&caller.into(), id, &patch, context.request_id()).await?;
    Ok(Json(tenant.settings_view()))
}
