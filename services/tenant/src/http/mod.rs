//! The routes, one file each.

mod create_tenant;
mod delete_tenant;
mod get_tenant;
mod get_tenant_settings;
mod list_tenants;
mod tenant_by_domain;
mod tenant_facts;
mod update_tenant;
mod update_tenant_settings;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use common::auth::{Authenticator, Principal};
use contracts::tenant::TenantAnswer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::Tenants;
use crate::store::Tenant;

/// What the handlers work with.
#[derive(Clone, FromRef)]
struct Api {
    tenants: Tenants,
    authenticator: Authenticator,
}

/// What the gateway lets through.
pub(crate) fn routes(tenants: Tenants, authenticator: Authenticator) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(create_tenant::create_tenant, list_tenants::list_tenants))
        .routes(routes!(
            get_tenant::get_tenant,
            update_tenant::update_tenant,
            delete_tenant::delete_tenant
        ))
        .routes(routes!(
            get_tenant_settings::get_tenant_settings,
            update_tenant_settings::update_tenant_settings
        ))
        .with_state(Api { tenants, authenticator })
}

/// What only the neighbours may ask.
pub(crate) fn internal(tenants: Tenants) -> Router {
    Router::new()
        .route("/internal/v1/tenants", get(tenant_by_domain::tenant_by_domain))
        .route("/internal/v1/tenants/{id}", get(tenant_facts::tenant_facts))
        .with_state(tenants)
}

/// As much of a tenant as its reader may see.
fn answer(tenant: Tenant, reader: Option<&Principal>) -> TenantAnswer {
    if reader.is_some_and(|principal| principal.covers(tenant.id)) {
        TenantAnswer::Full(Box::new(tenant.view()))
    } else {
        TenantAnswer::Public(tenant.public_view())
    }
}
