//! `GET /internal/v1/tenants/{id}`

use axum::Json;
use axum::extract::State;
use common::http::{Id, Outcome};
use contracts::facts::TenantFacts;
use contracts::tenant::CreateTenant;

use crate::app::Tenants;

/// What the neighbours decide by.
pub(super) async fn tenant_facts(
    Id(id): Id,
    State(tenants): State<Tenants>,
) -> Outcome<Json<TenantFacts>> {
    let tenant = tenants.find(id).await?;
    let CreateTenant { name, is_active, settings, .. } = tenant.profile;
    Ok(Json(TenantFacts { id, name, is_active, settings, version: tenant.version }))
}
