//! What a service is built from, and what it is once built. Nothing here is global: two platforms
//! can live in one process.

use std::any::Any;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use axum::Router;
use base64::Engine as _;
use contracts::Service as Name;
use contracts::client::Clients;
use futures_util::future::BoxFuture;
use sea_orm::DbErr;
use sea_orm_migration::MigratorTrait;
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cache::{Cache, MemoryCache, RedisCache};
use crate::clock::{Clock, IdSource, SystemClock, SystemIds};
use crate::db::{Database, Options};
use crate::http::{HttpTransport, LocalTransport, MixedTransport};
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::streams::{
    Consumer, EventBus, MemoryBus, Outbox, RedisBus, Relay, Streams, Subscription, WatchNews,
};

/// What a service is built from. Cheap to clone.
#[derive(Clone)]
pub struct Platform(Arc<Parts>);

/// The parts of a [`Platform`].
pub struct Parts {
    /// The configuration.
    pub settings: Settings,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// The event bus.
    pub bus: Arc<dyn EventBus>,
    /// The cache that replicas share.
    pub cache: Arc<dyn Cache>,
    /// Clients of the neighbours.
    pub clients: Clients,
    /// Counters.
    pub metrics: Metrics,
    /// Tasks that must end before the process does.
    pub tasks: TaskTracker,
    /// Cancelled when the process is told to stop: `/ready` says so.
    pub draining: CancellationToken,
    /// Cancelled when no more work is to be begun.
    pub stop: CancellationToken,
    /// The secret of calls between services.
    pub internal_token: String,
    local: LocalTransport,
    listeners: Mutex<Vec<Listener>>,
}

/// Hears every event at every replica; for dropping near caches only.
pub type Listener = Arc<dyn Fn(&WatchNews) + Send + Sync>;

impl Deref for Platform {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Why a platform or a service could not be built.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The database's address or answer.
    #[error("database: {0}")]
    Database(#[from] DbErr),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

impl Platform {
    /// A platform of the machine's own clock, as configured.
    pub fn open(settings: Settings) -> Result<Self, BuildError> {
        Self::with(settings, Arc::new(SystemClock), Arc::new(SystemIds))
    }

    /// A platform by the given clock and ids.
    pub fn with(
        settings: Settings,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Result<Self, BuildError> {
        let other = |error: &dyn std::fmt::Display| BuildError::Other(error.to_string());
        let metrics = Metrics::default();
        let internal_token = settings.internal_token.clone().unwrap_or_else(development_token);
        let local = LocalTransport::new(&internal_token);
        let remote = HttpTransport::new(&settings.service_urls, &internal_token, metrics.clone());
        let remote = remote.map_err(|error| other(&error))?;
        let clients = Clients::new(Arc::new(MixedTransport::new(local.clone(), remote)));
        let (bus, cache): (Arc<dyn EventBus>, Arc<dyn Cache>) = match &settings.redis_url {
            Some(url) => {
                let streams =
                    Streams { booking: settings.booking_stream.clone(), ..Streams::default() };
                let bus = RedisBus::connect(url, streams).map_err(|error| other(&error))?;
                let cache = RedisCache::connect(url).map_err(|error| other(&error))?;
                (Arc::new(bus), Arc::new(cache))
            }
            None => (Arc::new(MemoryBus::new()), Arc::new(MemoryCache::new(100_000))),
        };
        Ok(Self(Arc::new(Parts {
            settings,
            clock,
            ids,
            bus,
            cache,
            clients,
            metrics,
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            stop: CancellationToken::new(),
            internal_token,
            local,
            listeners: Mutex::default(),
        })))
    }

    /// Connects to the database of a service that runs here.
    pub async fn database(&self, service: Name) -> Result<Database, BuildError> {
        let url = self.settings.database(service);
        if let Some(path) = url.strip_prefix("sqlite://")
            && let Some(folder) = std::path::Path::new(path).parent()
        {
            std::fs::create_dir_all(folder)
                .map_err(|error| BuildError::Other(format!("{}: {error}", folder.display())))?;
        }
        let options =
            Options { max_connections: self.settings.database_connections, ..Options::default() };
        Ok(Database::connect(url, &options).await?)
    }

    /// The stream a service publishes to.
    pub fn stream_of(&self, service: Name) -> String {
        match service {
            Name::Booking => self.settings.booking_stream.clone(),
            Name::Tenant | Name::User | Name::Resource => self.directory_stream(),
        }
    }

    /// The stream of tenant, user, resource and category events.
    pub fn directory_stream(&self) -> String {
        contracts::event::DIRECTORY_STREAM.to_owned()
    }

    /// Lets `listener` hear every event at this replica.
    pub fn listen(&self, listener: impl Fn(&WatchNews) + Send + Sync + 'static) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(listener));
    }

    /// Tells every listener.
    pub(crate) fn tell(&self, news: &WatchNews) {
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners {
            listener(news);
        }
    }

    /// Introduces the services of this process to each other.
    pub(crate) fn introduce(&self, services: &[Service]) {
        let whole = |service: &Service| service.routes.clone().merge(service.internal.clone());
        let routers: BTreeMap<Name, Router> =
            services.iter().map(|service| (service.name, whole(service))).collect();
        self.local.introduce(routers);
    }
}

/// Without a configured secret each process has one of its own: enough for one process, and a refusal
/// between two. Development on several processes sets `INTERNAL_TOKEN`.
fn development_token() -> String {
    let secret: [u8; 32] = rand::random();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret)
}

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
    /// Kept alive with it.
    pub keep: Vec<Box<dyn Any + Send + Sync>>,
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

    /// Puts the service together from its own parts.
    pub fn finish<M: MigratorTrait + 'static>(
        self,
        routes: utoipa_axum::router::OpenApiRouter,
        internal: Router,
        subscriptions: Vec<Subscription>,
        jobs: Vec<Job>,
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
        let internal =
            crate::http::internal_routes(&platform, database.clone(), outbox.clone(), internal);
        let consumers = subscriptions
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
        let keep = Vec::new();
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
            keep,
        }
    }
}
