//! The user service: the people of the tenants, what they may do, and their sign-in.
//!
//! It signs the access tokens that every service verifies by itself, and owns the facts those
//! services check them against; `user.*` events on `directory-events` tell them what has changed.

mod app;
mod commands;
mod error;
mod events;
mod http;
mod jobs;
mod store;

use std::sync::Arc;

use common::auth::Authenticator;
use common::http::NothingPersonal;
use common::platform::{Assembly, BuildError};
use common::providers::{Snapshots, UserDirectory, settings_provider};
use common::{Platform, Service};

use app::{Passwords, Signer, Users};

pub use commands::{UserCommand, create_operator, switch_operator};

/// Builds the service on `platform`: routes, migrations, event log and signing key, nothing running
/// yet.
pub async fn build(platform: &Platform) -> Result<Service, BuildError> {
    let assembly = Assembly::open(platform, contracts::Service::User).await?;
    let users = users(platform, &assembly)?;
    let subscriptions = events::subscriptions(platform, &users);
    let internal = http::internal(users.clone());
    let (people, tenants) = (Arc::clone(&users.people), Arc::clone(&users.tenants));
    let jobs = jobs::all(&users);
    let authenticator = Authenticator::new(platform, people, tenants);
    let routes = http::routes(users, authenticator, platform.settings.origins.clone());
    // What is held here is collected here: there is nobody else to ask.
    let personal = Arc::new(NothingPersonal);
    Ok(assembly.finish::<store::Migrator>(routes, internal, personal, subscriptions, jobs))
}

/// The use cases on an open database: for the service, and for commands that do without one.
pub(crate) fn users(platform: &Platform, assembly: &Assembly) -> Result<Users, BuildError> {
    let failed = |error: &dyn std::fmt::Display| BuildError::Other(error.to_string());
    Ok(Users {
        database: assembly.database.clone(),
        outbox: assembly.outbox.clone(),
        relay: assembly.relay.clone(),
        clock: Arc::clone(&platform.clock),
        ids: Arc::clone(&platform.ids),
        tenants: settings_provider(platform, Snapshots::new(assembly.database.clone())),
        clients: platform.clients.clone(),
        people: UserDirectory::new(platform),
        passwords: Passwords::new(platform.settings.password_cost, platform.metrics.clone())
            .map_err(|error| failed(&error))?,
        notifier: Arc::clone(&platform.notifier),
        mail_due: Arc::default(),
        export_due: Arc::default(),
        public_url: platform.settings.public_url.clone(),
        signer: Arc::new(Signer::load(&platform.settings).map_err(|error| failed(&error))?),
    })
}

#[cfg(test)]
mod tests;
