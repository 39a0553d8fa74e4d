//! The booking service: who has which resource, when. The database refuses a double booking; every
//! accepted change leaves with exactly one event.

mod app;
mod error;
mod events;
mod http;
mod joint;
mod store;

use std::sync::Arc;
use std::time::Duration;

use common::auth::Authenticator;
use common::platform::{Assembly, BuildError, Job, Platform, Service};
use common::providers::{ResourceDirectory, Snapshots, UserDirectory, settings_provider};
use contracts::Service as Name;

use crate::app::Bookings;
use crate::store::Store;

/// How often deletions of the last minutes are looked over again for bookings that slipped through.
const SWEEP: Duration = Duration::from_secs(5);

/// Builds the service.
pub async fn build(platform: &Platform) -> Result<Service, BuildError> {
    let assembly = Assembly::open(platform, Name::Booking).await?;
    let people = UserDirectory::new(platform);
    let settings = settings_provider(platform, Snapshots::new(assembly.database.clone()));
    let store = Store::new(assembly.database.clone(), assembly.outbox.clone());
    let bookings = Bookings::new(app::Parts {
        store,
        relay: assembly.relay.clone(),
        clock: Arc::clone(&platform.clock),
        ids: Arc::clone(&platform.ids),
        settings: Arc::clone(&settings),
        resources: ResourceDirectory::new(platform),
        people: Arc::clone(&people),
    });
    let state = http::AppState {
        bookings: bookings.clone(),
        authenticator: Authenticator::new(platform, people, settings),
    };
    let subscriptions = vec![events::subscription(platform, bookings.clone())];
    let personal = Arc::new(bookings.clone());
    let sweep = Job {
        name: "sweep deletions",
        every: SWEEP,
        wake: None,
        run: Arc::new(move || {
            let bookings = bookings.clone();
            Box::pin(async move { bookings.sweep().await.map_err(|error| error.to_string()) })
        }),
    };
    let internal = http::internal(state.clone());
    Ok(assembly.finish::<store::Migrator>(
        http::routes(state),
        internal,
        personal,
        subscriptions,
        vec![sweep],
    ))
}
