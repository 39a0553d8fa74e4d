//! The consumer: every event once in effect, in order, whatever the bus loses or repeats.

mod apply;
mod letters;
mod pull;
mod run;
mod store;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use contracts::Service;
use contracts::client::{ClientError, Clients};
use contracts::event::Envelope;
use sea_orm::{DatabaseTransaction, DbErr};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::bus::{BusError, EventBus};
use crate::Clock;
use crate::db::{Classify, Database};

pub use letters::{DeadLetter, ReplayError};

/// What a service does with events.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Applies one event in the transaction that also moves the checkpoint. May be run again, so it
    /// has no effects outside the transaction. An event it does not know is `Ok`.
    async fn apply(&self, tx: &DatabaseTransaction, event: &Envelope) -> Result<(), HandlerError>;

    /// After the commit: for caches and the relay. Called at least once for each event unless every
    /// replica dies in between; sometimes twice.
    async fn committed(&self, _events: &[Envelope]) {}
}

/// Why an event could not be applied.
#[derive(Debug, Error)]
pub enum HandlerError {
    /// The database; being unreachable is not held against the event.
    #[error(transparent)]
    Db(#[from] DbErr),
    /// Anything else. After five attempts the event becomes a dead letter.
    #[error("{0}")]
    Failed(String),
}

impl Classify for HandlerError {
    fn db(&self) -> Option<&DbErr> {
        match self {
            Self::Db(error) => Some(error),
            Self::Failed(_) => None,
        }
    }
}

/// Who wants which events.
#[derive(Clone)]
pub struct Subscription {
    /// The group, also the name of the checkpoint: `resource-service`.
    pub consumer: &'static str,
    /// The stream.
    pub stream: String,
    /// The producers on that stream that are wanted; events of others are passed over.
    pub sources: Vec<Service>,
    /// What to do.
    pub handler: Arc<dyn Handler>,
}

/// Why events could not be consumed.
#[derive(Debug, Error)]
pub enum ConsumeError {
    /// The consumer's own database.
    #[error("consumer database: {0}")]
    Db(#[source] DbErr),
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// A producer's outbox.
    #[error(transparent)]
    Producer(#[from] ClientError),
    /// It was told to stop.
    #[error("stopped")]
    Stopped,
}

impl From<DbErr> for ConsumeError {
    fn from(error: DbErr) -> Self {
        Self::Db(error)
    }
}

/// How far a consumer is behind a producer, as far as it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceLag {
    /// The producer.
    pub source: Service,
    /// The last position known to exist.
    pub head: i64,
    /// The last position applied.
    pub checkpoint: i64,
}

impl SourceLag {
    /// Events still to be applied.
    pub fn behind(&self) -> i64 {
        (self.head - self.checkpoint).max(0)
    }
}

/// Applies the events of one subscription. Clones are the same consumer. Every replica runs one.
#[derive(Clone)]
pub struct Consumer {
    inner: Arc<Inner>,
}

struct Inner {
    db: Database,
    bus: Arc<dyn EventBus>,
    clients: Clients,
    subscription: Subscription,
    clock: Arc<dyn Clock>,
    /// Unique among the replicas, and new with every start.
    member: String,
    patience: Duration,
    places: HashMap<Service, Place>,
}

/// What is known of a source without asking.
struct Place {
    /// The checkpoint is at least here; other replicas may have moved it on. -1 = not asked yet.
    checkpoint: AtomicI64,
    /// The last position seen.
    head: AtomicI64,
}

impl Consumer {
    /// A consumer with its checkpoints in `db`.
    pub fn new(
        db: Database,
        bus: Arc<dyn EventBus>,
        clients: Clients,
        subscription: Subscription,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let place = || Place { checkpoint: AtomicI64::new(-1), head: AtomicI64::new(0) };
        let places = subscription.sources.iter().map(|source| (*source, place())).collect();
        let member = format!("{:016x}", rand::random::<u64>());
        let patience = Duration::from_millis(100);
        let inner = Inner { db, bus, clients, subscription, clock, member, patience, places };
        Self { inner: Arc::new(inner) }
    }

    /// Waits `patience` before an event that failed is tried the second time, and three times as
    /// long before each further attempt; 100 ms unless told. Call it before cloning.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.patience = patience;
        }
        self
    }

    /// Applies everything the producers' outboxes have now, without the bus. Returns how many
    /// events that were.
    pub async fn drain(&self) -> Result<usize, ConsumeError> {
        self.pull_all(&CancellationToken::new()).await
    }

    /// How far it is behind, for each source.
    pub async fn lag(&self) -> Result<Vec<SourceLag>, DbErr> {
        let mut lags = Vec::with_capacity(self.inner.places.len());
        for (source, place) in &self.inner.places {
            let checkpoint = self.load_checkpoint(*source).await?;
            let on_bus = self.inner.bus.last(*source).await.unwrap_or(0);
            let head = place.head.load(Ordering::Relaxed).max(on_bus).max(checkpoint);
            lags.push(SourceLag { source: *source, head, checkpoint });
        }
        lags.sort_unstable_by_key(|lag| lag.source);
        Ok(lags)
    }

    /// The group: `booking-service`.
    pub fn name(&self) -> &'static str {
        self.inner.subscription.consumer
    }

    fn place(&self, source: Service) -> Option<&Place> {
        self.inner.places.get(&source)
    }

    fn see(&self, source: Service, position: i64) {
        if let Some(place) = self.place(source) {
            place.head.fetch_max(position, Ordering::Relaxed);
        }
    }

    fn set_checkpoint(&self, source: Service, position: i64) {
        if let Some(place) = self.place(source) {
            place.checkpoint.store(position, Ordering::Relaxed);
        }
    }
}
