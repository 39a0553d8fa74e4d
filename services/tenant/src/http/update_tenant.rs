//! `PUT /tenants/{id}`

use axum::extract::State;
use common::auth::Principal;
use common::http::{Context, Id, Outcome, Raw};
use common::version::{Precondition, Versioned};
use contracts::edit::EditTenant;
use contracts::tenant::TenantView;

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
    params(("id" = Uuid, Path, description = "The tenant"), Precondition),
    request_body(content = EditTenant, description = "Any of the fields"),
    responses(
        (status = 200, description = "The tenant as it is now", body = TenantView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "Domínio já cadastrado."),
        (status = 404, description = "Tenant não encontrado"),
    )
)]
pub(super) async fn update_tenant(
    principal: Principal,
    Id(id): Id,
    context: Context,
    wanted: Precondition,
    State(tenants): State<Tenants>,
    Raw(patch): Raw,
) -> Outcome<Versioned<TenantView>> {
    let tenant = tenants.update(&principal, id, &patch, &wanted, context.request_id()).await?;
    Ok(tenant.versioned())
}
