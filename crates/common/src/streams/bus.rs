//! What carries events between services. Two implementations pass one contract suite:
//! [`super::MemoryBus`] inside one process, [`super::RedisBus`] between many.

use std::time::Duration;

use async_trait::async_trait;
use contracts::Service;
use contracts::event::{BOOKING_STREAM, DIRECTORY_STREAM, Envelope};
use thiserror::Error;

/// Why the bus did not do what it was asked.
#[derive(Debug, Clone, Error)]
pub enum BusError {
    /// It cannot be reached, or did not answer in time.
    #[error("event bus unreachable: {0}")]
    Unreachable(String),
    /// It answered, but not with what we asked for.
    #[error("event bus refused: {0}")]
    Refused(String),
}

/// The names of the streams.
#[derive(Debug, Clone)]
pub struct Streams {
    /// Events of bookings.
    pub booking: String,
    /// Events of tenants, users, resources and categories.
    pub directory: String,
}

impl Default for Streams {
    fn default() -> Self {
        Self { booking: BOOKING_STREAM.to_owned(), directory: DIRECTORY_STREAM.to_owned() }
    }
}

impl Streams {
    /// The stream that `source` publishes to.
    pub fn of(&self, source: Service) -> &str {
        match source {
            Service::Booking => &self.booking,
            Service::Tenant | Service::User | Service::Resource => &self.directory,
        }
    }
}

/// One entry of a stream, handed to one member of a group.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What [`GroupReader::ack`] wants.
    pub id: String,
    /// The event.
    pub event: Envelope,
    /// It was handed to a member before that did not acknowledge it.
    pub again: bool,
}

/// Carries events; may lose them, never invents them.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Appends what of `batch` (contiguous positions of `source`, ascending) comes right after the
    /// last position the bus has, and returns the last position it has then.
    ///
    /// Positions it has already are skipped; if `batch` begins beyond the next one nothing is
    /// appended. What lies below `floor` no longer exists anywhere and is not waited for.
    async fn publish(
        &self,
        source: Service,
        stream: &str,
        floor: i64,
        batch: &[Envelope],
    ) -> Result<i64, BusError>;

    /// The last position of `source` the bus has; 0 if it knows nothing of it.
    async fn last(&self, source: Service) -> Result<i64, BusError>;

    /// Joins `group` on `stream` as `consumer`, a name no other member has. A new group begins with
    /// the first entry there is. After an error the reader is spent: ask for a new one.
    async fn reader(
        &self,
        stream: &str,
        group: &str,
        consumer: &str,
    ) -> Result<Box<dyn GroupReader>, BusError>;

    /// Everything that is published to `streams` from now on, to every caller.
    fn watch(&self, streams: &[String]) -> Box<dyn Watch>;

    /// Asks the bus for a sign of life.
    async fn ping(&self) -> Result<(), BusError>;
}

/// A member of a group: each entry goes to one of them, until one acknowledges it.
#[async_trait]
pub trait GroupReader: Send {
    /// The next entries, at most `max`; none if none came within `wait`.
    async fn next(&mut self, max: usize, wait: Duration) -> Result<Vec<Delivery>, BusError>;

    /// Marks entries as done.
    async fn ack(&mut self, ids: &[String]) -> Result<(), BusError>;
}

/// What a [`Watch`] has seen.
#[derive(Debug, Clone)]
pub enum WatchNews {
    /// An event.
    Event(Box<Envelope>),
    /// Something may have been missed, or the bus cannot be reached: drop every local cache. Comes
    /// again and again while the bus is away, and once more when it is back.
    Lost,
}

/// A look at streams without a group; for caches that every replica has.
#[async_trait]
pub trait Watch: Send {
    /// The next news. Never ends, waits inside, and loses nothing when its future is dropped.
    async fn next(&mut self) -> WatchNews;
}
