//! The bus between processes: Redis Streams with consumer groups (Redis 7.0 or newer).
//!
//! Entries have the fields `event_type`, `payload` and `metadata`, the last two JSON. Beside each
//! stream `NAME` stands `NAME:pos:SOURCE`, the last position it has of that source.

mod entry;
mod link;
mod reader;
mod trim;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contracts::Service;
use contracts::event::Envelope;
use redis::{Script, cmd};

use super::bus::{BusError, EventBus, GroupReader, Streams, Watch};
pub(crate) use link::{Link, LinkError};

/// How long a command may take.
const COMMAND: Duration = Duration::from_millis(500);
/// When an entry that was not acknowledged is handed to another member.
const CLAIM: Duration = Duration::from_secs(30);

/// Appends what comes right after the last position; see [`EventBus::publish`].
const PUBLISH: &str = r"
local stored = tonumber(redis.call('GET', KEYS[2]))
local last = stored or 0
local floor = tonumber(ARGV[1])
if last < floor - 1 then last = floor - 1 end
local pos = tonumber(ARGV[2])
for at = 3, #ARGV, 3 do
  if pos == last + 1 then
    redis.call('XADD', KEYS[1], '*', 'event_type', ARGV[at], 'payload', ARGV[at + 1], 'metadata', ARGV[at + 2])
    last = pos
  end
  pos = pos + 1
end
if last ~= stored then redis.call('SET', KEYS[2], string.format('%.0f', last)) end
return last
";

/// Streams in Redis. Clones share the connection for commands.
#[derive(Clone)]
pub struct RedisBus {
    link: Link,
    streams: Streams,
    publish: Arc<Script>,
    claim_after: Duration,
}

impl RedisBus {
    /// A bus at `url`. Connects with the first command, so it does not matter whether Redis is up;
    /// only a URL that cannot be read is an error.
    pub fn connect(url: &str, streams: Streams) -> Result<Self, BusError> {
        let link = Link::open(url, COMMAND)?;
        Ok(Self { link, streams, publish: Arc::new(Script::new(PUBLISH)), claim_after: CLAIM })
    }

    /// Hands entries that were not acknowledged to another member after `idle` instead of 30 s.
    #[must_use]
    pub fn claim_after(mut self, idle: Duration) -> Self {
        self.claim_after = idle;
        self
    }

    /// Drops entries of `stream` that are older than `max_age` and that every group is done with,
    /// and members that have been gone for an hour. Returns how many entries went.
    ///
    /// A group that reads nothing any more holds entries up to twice `max_age`; the producer's
    /// outbox has what it then misses.
    pub async fn trim(&self, stream: &str, max_age: Duration) -> Result<u64, BusError> {
        trim::trim(&self.link, stream, max_age).await
    }
}

fn position_key(stream: &str, source: Service) -> String {
    format!("{stream}:pos:{}", source.name())
}

#[async_trait]
impl EventBus for RedisBus {
    async fn publish(
        &self,
        source: Service,
        stream: &str,
        floor: i64,
        batch: &[Envelope],
    ) -> Result<i64, BusError> {
        let Some(first) = batch.first() else { return self.last(source).await };
        let mut call = self.publish.prepare_invoke();
        call.key(stream).key(position_key(stream, source));
        call.arg(floor).arg(first.metadata.position);
        for event in batch {
            let (payload, metadata) = entry::encode(event)?;
            call.arg(&event.event_type).arg(payload).arg(metadata);
        }
        Ok(self.link.invoke(&call).await?)
    }

    async fn last(&self, source: Service) -> Result<i64, BusError> {
        let key = position_key(self.streams.of(source), source);
        let last: Option<i64> = self.link.query(cmd("GET").arg(key)).await?;
        Ok(last.unwrap_or(0))
    }

    async fn reader(
        &self,
        stream: &str,
        group: &str,
        consumer: &str,
    ) -> Result<Box<dyn GroupReader>, BusError> {
        let connection = self.link.dedicated().await?;
        let reader = reader::Reader::join(connection, stream, group, consumer, self.claim_after);
        Ok(Box::new(reader.await?))
    }

    fn watch(&self, streams: &[String]) -> Box<dyn Watch> {
        Box::new(watch::Watcher::new(self.link.clone(), streams.to_vec()))
    }

    async fn ping(&self) -> Result<(), BusError> {
        let _: String = self.link.query(&cmd("PING")).await?;
        Ok(())
    }
}
