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
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use crate::app::{Bookings, FeedRules, Freed};
use crate::error::Error;
use crate::store::Store;

/// How often deletions of the last minutes are looked over again for bookings that slipped through.
const SWEEP: Duration = Duration::from_secs(5);
/// How often dead holds are looked for that nobody tripped over.
const TIDY: Duration = Duration::from_secs(10);
/// How often it is looked which bookings have come to their end.
const FINISH: Duration = Duration::from_secs(15);
/// How often freed places are offered that could not be offered at once.
const OFFER: Duration = Duration::from_secs(2);
/// How often links are tended.
const TEND: Duration = Duration::from_hours(1);
/// How often the whole waiting list is looked over.
const LOOK_OVER: Duration = Duration::from_secs(30);

/// Builds the service.
pub async fn build(platform: &Platform) -> Result<Service, BuildError> {
    let assembly = Assembly::open(platform, Name::Booking).await?;
    let people = UserDirectory::new(platform);
    let settings = settings_provider(platform, Snapshots::new(assembly.database.clone()));
    let store =
        Store::new(assembly.database.clone(), assembly.outbox.clone(), Arc::clone(&platform.clock));
    let bookings = Bookings::new(app::Parts {
        store,
        relay: assembly.relay.clone(),
        clock: Arc::clone(&platform.clock),
        ids: Arc::clone(&platform.ids),
        settings: Arc::clone(&settings),
        resources: ResourceDirectory::new(platform),
        people: Arc::clone(&people),
        gate: app::Gate::new(),
        freed: Freed::default(),
        links: app::Links::new(platform.settings.public_url.as_ref().map(url::Url::as_str)),
        feed_rules: FeedRules::new(platform),
    });
    let state = http::AppState {
        bookings: bookings.clone(),
        authenticator: Authenticator::new(platform, people, settings),
        limits: platform.limits.clone(),
    };
    let subscriptions = vec![events::subscription(platform, bookings.clone())];
    let personal = Arc::new(bookings.clone());
    let internal = http::internal(state.clone());
    Ok(assembly.finish::<store::Migrator>(
        http::routes(state),
        internal,
        personal,
        subscriptions,
        jobs(&bookings),
    ))
}

/// What the service does by itself.
fn jobs(bookings: &Bookings) -> Vec<Job> {
    let sweep = bookings.clone();
    let (tidy, finish) = (bookings.clone(), bookings.clone());
    let (offers, over, links) = (bookings.clone(), bookings.clone(), bookings.clone());
    vec![
        job("sweep deletions", SWEEP, None, move || {
            let bookings = sweep.clone();
            async move { bookings.sweep().await }
        }),
        job("tidy holds", TIDY, None, move || {
            let bookings = tidy.clone();
            async move { bookings.tidy_holds().await }
        }),
        job("finish bookings", FINISH, None, move || {
            let bookings = finish.clone();
            async move { bookings.finish().await }
        }),
        job("offer freed places", OFFER, Some(bookings.freed.wake()), move || {
            let bookings = offers.clone();
            async move { bookings.offer_freed().await }
        }),
        job("look over the waiting list", LOOK_OVER, None, move || {
            let bookings = over.clone();
            async move { bookings.look_over_waitlist().await }
        }),
        job("tend links", TEND, None, move || {
            let bookings = links.clone();
            async move { bookings.tend_links().await }
        }),
    ]
}

fn job<W>(
    name: &'static str,
    every: Duration,
    wake: Option<Arc<Notify>>,
    run: impl Fn() -> W + Send + Sync + 'static,
) -> Job
where
    W: Future<Output = Result<(), Error>> + Send + 'static,
{
    let run = Arc::new(move || {
        let done = run();
        Box::pin(async move { done.await.map_err(|error| error.to_string()) })
            as BoxFuture<'static, Result<(), String>>
    });
    Job { name, every, wake, run }
}
