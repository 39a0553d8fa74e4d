//! `PUT /tenants/{id}/settings`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Context, Id, Outcome, Raw};
use common::version::{Precondition, Versioned};
use contracts::edit::EditSettings;
use contracts::tenant::SettingsView;

use crate::app::Tenants;

/// Changes a tenant's rules.
///
/// For its admins. Fields that are absent stay as they are; bookings made before keep their times.
#[utoipa::path(
    put,
    path = "/tenants/{id}/settings",
    tag = "settings",
    params(("id" = Uuid, Path, description = "The tenant"), Precondition),
    request_body(content = EditSettings, description = "Any of the fields"),
    responses(
        (status = 200, description = "The rules as they are now", body = SettingsView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Configurações não encontradas"),
    )
)]
pub(super) async fn update_tenant_settings(
    caller: Caller,
    Id(id): Id,
    context: Context,
    wanted: Precondition,
    State(tenants): State<Tenants>,
    Raw(patch): Raw,
) -> Outcome<Versioned<SettingsView>> {
    let tenant =
        tenants.update_settings(&caller.into(), id, &patch, &wanted, context.request_id()).await?;
    Ok(tenant.settings_view())
}
