//! The resource service: categories, resources, and when a resource is free. Availability is decided
//! by the same functions as a booking, so a listed slot can be booked.

mod app;
mod error;
mod events;
mod http;
mod store;

use std::sync::Arc;

use common::auth::Authenticator;
use common::http::NothingPersonal;
use common::platform::{Assembly, BuildError, Platform, Service};
use common::providers::{Snapshots, UserDirectory, settings_provider};
use contracts::Service as Name;

use crate::app::{Availability, Changes, Directory, Search, WhatIf};

/// Builds the service.
pub async fn build(platform: &Platform) -> Result<Service, BuildError> {
    let assembly = Assembly::open(platform, Name::Resource).await?;
    let snapshots = Snapshots::new(assembly.database.clone());
    // Before the availability: who hears of new settings after it would let it keep old ones.
    let settings = settings_provider(platform, snapshots.clone());
    let availability =
        Availability::new(platform, assembly.database.clone(), Arc::clone(&settings));
    let search = Search::new(platform, assembly.database.clone(), Arc::clone(&availability));
    let changes = Changes::new(platform);
    let ears = events::Ears {
        availability: Arc::clone(&availability),
        search: Arc::clone(&search),
        changes: Arc::clone(&changes),
    };
    events::listen(platform, ears);
    let people = UserDirectory::new(platform);
    let directory = Directory::new(app::Parts {
        database: assembly.database.clone(),
        outbox: assembly.outbox.clone(),
        relay: assembly.relay.clone(),
        clock: Arc::clone(&platform.clock),
        ids: Arc::clone(&platform.ids),
        settings: Arc::clone(&settings),
        availability: Arc::clone(&availability),
        clients: platform.clients.clone(),
        search: Arc::clone(&search),
        changes,
        what_if: WhatIf::new(platform, assembly.database.clone(), Arc::clone(&settings)),
    });
    let subscriptions = events::subscriptions(platform, availability, snapshots);
    let authenticator = Authenticator::new(platform, people, settings);
    let state = http::AppState { directory, authenticator };
    let internal = http::internal(state.clone());
    let (routes, personal) = (http::routes(state), Arc::new(NothingPersonal));
    Ok(assembly.finish::<store::Migrator>(
        routes,
        internal,
        personal,
        subscriptions,
        vec![search.job()],
    ))
}
