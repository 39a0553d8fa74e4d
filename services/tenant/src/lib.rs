//! The tenant service: businesses, their look and their rules.
//!
//! It owns the settings every other service decides by. They ask for them over the internal routes
//! and keep them near; `tenant.*` events on `directory-events` tell them what has changed.

mod app;
mod error;
mod events;
mod http;
mod store;

use std::sync::Arc;

use common::auth::Authenticator;
use common::http::NothingPersonal;
use common::platform::{Assembly, BuildError};
use common::providers::{RemoteSettings, UserDirectory};
use common::{Platform, Service};

use app::Tenants;

/// Builds the service on `platform`: routes, migrations and event log, nothing running yet.
pub async fn build(platform: &Platform) -> Result<Service, BuildError> {
    let assembly = Assembly::open(platform, contracts::Service::Tenant).await?;
    // Asked of ourselves, so that a suspended tenant's people stop here as everywhere.
    let known = RemoteSettings::new(platform, None);
    let authenticator = Authenticator::new(platform, UserDirectory::new(platform), known);
    let tenants = Tenants {
        database: assembly.database.clone(),
        outbox: assembly.outbox.clone(),
        relay: assembly.relay.clone(),
        clock: Arc::clone(&platform.clock),
        ids: Arc::clone(&platform.ids),
    };
    let internal = http::internal(tenants.clone());
    let routes = http::routes(tenants, authenticator);
    let personal = Arc::new(NothingPersonal);
    Ok(assembly.finish::<store::Migrator>(routes, internal, personal, Vec::new(), Vec::new()))
}
