//! A service, as it is put together and as it is once it is.

use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use contracts::Service as Name;
use futures_util::future::BoxFuture;
use sea_orm::DbErr;
use sea_orm_migration::MigratorTrait;

use super::{BuildError, Platform, housekeeping};
use crate::db::Database;
use crate::http::PersonalData;
use crate::streams::{Consumer, Outbox, Relay, Subscription};

/// The migrations of a service.
#[async_trait]
pub trait Migrations: Send + Sync {
    /// Applies what is pending.
    async fn up(&self, database: &Database) -> Result<(), DbErr>;
    /// Takes back the last `steps`, or all.
    async fn down(&self, database: &Database, steps: Option<u32>) -> Result<(), DbErr>;
    /// Names what is pending.
    async fn pending(&self, database: &Database) -> Result<Vec<String>, DbErr>;
}

/// [`Migrations`] of a sea-orm migrator.
pub struct MigrationSet<M>(PhantomData<fn() -> M>);

impl<M> Default for MigrationSet<M> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

#[async_trait]
impl<M: MigratorTrait + 'static> Migrations for MigrationSet<M> {
    async fn up(&self, database: &Database) -> Result<(), DbErr> {
        database.migrate::<M>().await
    }

    async fn down(&self, database: &Database, steps: Option<u32>) -> Result<(), DbErr> {
        database.migrate_down::<M>(steps).await
    }

    async fn pending(&self, database: &Database) -> Result<Vec<String>, DbErr> {
        database.pending::<M>().await
    }
}

/// Work that is repeated while the service runs.
pub struct Job {
    /// For the log.
    pub name: &'static str,
    /// How long to wait between two runs.
    pub every: std::time::Duration,
    /// Ends the wait at once.
    pub wake: Option<Arc<tokio::sync::Notify>>,
    /// One run.
    pub run: Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>,
}

/// A service, built but not running.
pub struct Service {
    /// Which one.
    pub name: Name,
    /// What the gateway lets through.
    pub routes: Router,
    /// What only neighbours may ask, and `/health`, `/ready`, `/metrics`, `/`.
    pub internal: Router,
    /// Its specification.
    pub openapi: utoipa::openapi::OpenApi,
    /// Its database.
    pub database: Database,
    /// Its migrations.
    pub migrations: Arc<dyn Migrations>,
    /// Its readiness.
    pub probe: crate::http::Probe,
    /// Its log of events.
    pub outbox: Outbox,
    /// Publishes its events.
    pub relay: Relay,
    /// What it hears.
    pub consumers: Vec<Consumer>,
    /// What it repeats.
    pub jobs: Vec<Job>,
}

/// The parts that every service assembles in the same way.
pub struct Assembly {
    /// What it is built from.
    pub platform: Platform,
    /// Which service.
    pub name: Name,
    /// Its database.
    pub database: Database,
    /// Its log of events.
    pub outbox: Outbox,
    /// Publishes its events.
    pub relay: Relay,
}

impl Assembly {
    /// Opens the database and the outbox of a service.
    pub async fn open(platform: &Platform, name: Name) -> Result<Self, BuildError> {
        let database = platform.database(name).await?;
        let outbox = Outbox::new(name, Arc::clone(&platform.clock), Arc::clone(&platform.ids));
        let relay = Relay::new(
            database.clone(),
            outbox.clone(),
            Arc::clone(&platform.bus),
            platform.stream_of(name),
            Arc::clone(&platform.clock),
        );
        Ok(Self { platform: platform.clone(), name, database, outbox, relay })
    }

    /// Puts the service together from its own parts. Each has to say what it holds about people.
    pub fn finish<M: MigratorTrait + 'static>(
        self,
        routes: utoipa_axum::router::OpenApiRouter,
        internal: Router,
        personal: Arc<dyn PersonalData>,
        subscriptions: Vec<Subscription>,
        mut jobs: Vec<Job>,
    ) -> Service {
        let Self { platform, name, database, outbox, relay } = self;
        let (routes, openapi) = routes.split_for_parts();
        let openapi = crate::http::document(openapi, name);
        let collections: Vec<String> = openapi.paths.paths.keys().cloned().collect();
        let routes = routes.merge(crate::http::documentation(name, &openapi));
        let routes = crate::http::finish(&platform, name.name(), routes, &collections);
        let migrations: Arc<dyn Migrations> = Arc::new(MigrationSet::<M>::default());
        let probe =
            crate::http::Probe::new(&platform, name, database.clone(), Arc::clone(&migrations));
        let (log, events) = (database.clone(), outbox.clone());
        let internal = crate::http::internal_routes(&platform, log, events, personal, internal);
        let consumers: Vec<Consumer> = subscriptions
            .into_iter()
            .map(|subscription| {
                Consumer::new(
                    database.clone(),
                    Arc::clone(&platform.bus),
                    platform.clients.clone(),
                    subscription,
                    Arc::clone(&platform.clock),
                )
            })
            .collect();
        jobs.push(housekeeping::prune(&platform, &database, &outbox));
        if crate::db::keeps_answers::<M>() {
            jobs.push(housekeeping::forget_answers(&platform, &database));
        }
        jobs.push(housekeeping::forget_clients(&platform));
        jobs.extend(housekeeping::trim(&platform, name));
        jobs.push(housekeeping::measure(&platform, &consumers));
        Service {
            name,
            routes,
            internal,
            openapi,
            database,
            migrations,
            probe,
            outbox,
            relay,
            consumers,
            jobs,
        }
    }
}
