//! What a service is built from, and what it is once built. Nothing here is global: two platforms
//! can live in one process.

mod housekeeping;
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use contracts::Service as Name;
use contracts::client::Clients;
use sea_orm::DbErr;
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cache::{Cache, MemoryCache, RedisCache};
use crate::clock::{Clock, IdSource, SystemClock, SystemIds};
use crate::db::{Database, Options};
use crate::http::{Credentials, HttpTransport, Limits, LocalTransport, MixedTransport};
use crate::metrics::Metrics;
use crate::notify::{self, Notifier};
use crate::settings::Settings;
use crate::streams::{EventBus, MemoryBus, RedisBus, Streams, WatchNews};

pub use service::{Assembly, Job, MigrationSet, Migrations, Service};

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
    /// Sends letters.
    pub notifier: Arc<dyn Notifier>,
    /// Tasks that must end before the process does.
    pub tasks: TaskTracker,
    /// Cancelled when the process is told to stop: `/ready` says so.
    pub draining: CancellationToken,
    /// Cancelled when no more work is to be begun.
    pub stop: CancellationToken,
    /// How this process and its neighbours recognise each other.
    pub credentials: Credentials,
    /// How much anyone may ask.
    pub limits: Limits,
    local: LocalTransport,
    /// The bus again, where it is Redis: for keeping its streams short.
    redis: Option<RedisBus>,
    listeners: Mutex<Vec<Listener>>,
    /// Whether a listener wants the events of bookings.
    bookings_heard: AtomicBool,
}

/// Hears events at every replica; for dropping near caches only.
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

/// How long a process keeps what it knows of others when no bus tells it of their changes.
const UNTOLD: Duration = Duration::from_secs(1);

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
        let notifier = notify::notifier(&settings).map_err(BuildError::Other)?;
        Self::with_notifier(settings, clock, ids, notifier)
    }

    /// A platform by the given clock and ids, and with another way to send letters.
    pub fn with_notifier(
        mut settings: Settings,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        notifier: Arc<dyn Notifier>,
    ) -> Result<Self, BuildError> {
        if settings.redis_url.is_none() && !settings.is_embedded() {
            // Nothing tells this process of the others' changes: what it knows must age fast.
            tracing::warn!("REDIS_URL is not set: other processes' changes are seen late");
            settings.facts_ttl = settings.facts_ttl.min(UNTOLD);
            settings.availability_ttl = settings.availability_ttl.min(UNTOLD);
        }
        let other = |error: &dyn std::fmt::Display| BuildError::Other(error.to_string());
        let metrics = Metrics::default();
        let credentials = Credentials::new(&settings);
        let limits = Limits::new(&settings.edge.rates);
        let local = LocalTransport::new(&credentials);
        let remote = HttpTransport::new(&settings.service_urls, &credentials, metrics.clone());
        let remote = remote.map_err(|error| other(&error))?;
        let clients = Clients::new(Arc::new(MixedTransport::new(local.clone(), remote)));
        let redis = match &settings.redis_url {
            Some(url) => {
                let booking = settings.booking_stream.clone();
                let streams = Streams { booking, ..Streams::default() };
                Some(RedisBus::connect(url, streams).map_err(|error| other(&error))?)
            }
            None => None,
        };
        let bus: Arc<dyn EventBus> = match &redis {
            Some(redis) => Arc::new(redis.clone()),
            None => Arc::new(MemoryBus::new()),
        };
        let cache: Arc<dyn Cache> = match &settings.redis_url {
            Some(url) => Arc::new(RedisCache::connect(url).map_err(|error| other(&error))?),
            None => Arc::new(MemoryCache::new(100_000)),
        };
        Ok(Self(Arc::new(Parts {
            settings,
            clock,
            ids,
            bus,
            cache,
            clients,
            metrics,
            notifier,
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            stop: CancellationToken::new(),
            credentials,
            limits,
            local,
            redis,
            listeners: Mutex::default(),
            bookings_heard: AtomicBool::new(false),
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
        let options = Options {
            max_connections: self.settings.database_connections,
            owner_url: self.settings.owners.get(&service).cloned(),
            ..Options::default()
        };
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

    /// Lets `listener` hear every event of tenants, users, resources and categories at this replica.
    pub fn listen(&self, listener: impl Fn(&WatchNews) + Send + Sync + 'static) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(listener));
    }

    /// The same, and those of bookings. They are by far the most, and each costs a process that reads it,
    /// so they are read only where somebody listens to them.
    pub fn listen_to_bookings(&self, listener: impl Fn(&WatchNews) + Send + Sync + 'static) {
        self.bookings_heard.store(true, Ordering::Relaxed);
        self.listen(listener);
    }

    /// The streams that this process has listeners for.
    pub(crate) fn heard(&self) -> Vec<String> {
        let bookings = self.bookings_heard.load(Ordering::Relaxed);
        let bookings = bookings.then(|| self.stream_of(Name::Booking));
        let all: BTreeSet<String> = bookings.into_iter().chain([self.directory_stream()]).collect();
        all.into_iter().collect()
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
