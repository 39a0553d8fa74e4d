//! Streams read without a group, by every replica.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::cmd;
use redis::streams::{StreamRangeReply, StreamReadReply};
use tokio::time::sleep;

use super::entry;
use super::link::{Link, LinkError, bounded};
use super::reader::millis;
use crate::streams::bus::{Watch, WatchNews};

const BLOCK: Duration = Duration::from_secs(2);
const GRACE: Duration = Duration::from_millis(500);
/// Between two attempts to connect. While Redis is away caches live this long.
const RETRY: Duration = Duration::from_millis(500);
const COUNT: usize = 256;

/// Reads on a connection of its own. The step under way is kept when a caller's future is dropped.
pub(super) struct Watcher {
    link: Link,
    streams: Vec<String>,
    session: Option<Session>,
    step: Option<Step>,
    failed: bool,
    ready: VecDeque<WatchNews>,
}

type Step = Pin<Box<dyn Future<Output = Result<(Session, Vec<WatchNews>), LinkError>> + Send>>;

struct Session {
    connection: MultiplexedConnection,
    /// The last entry seen of each stream.
    seen: HashMap<String, String>,
}

impl Watcher {
    pub(super) fn new(link: Link, streams: Vec<String>) -> Self {
        Self { link, streams, session: None, step: None, failed: false, ready: VecDeque::new() }
    }

    fn begin(&mut self) -> Step {
        if let Some(session) = self.session.take() {
            return Box::pin(session.read(self.streams.clone()));
        }
        let pause = if self.failed { RETRY } else { Duration::ZERO };
        Box::pin(Session::open(self.link.clone(), self.streams.clone(), pause))
    }
}

#[async_trait]
impl Watch for Watcher {
    async fn next(&mut self) -> WatchNews {
        loop {
            if let Some(news) = self.ready.pop_front() {
                return news;
            }
            if self.step.is_none() {
                self.step = Some(self.begin());
            }
            // Polled in place: dropping this future must not drop the step.
            let Some(step) = self.step.as_mut() else { continue };
            let outcome = step.await;
            self.step = None;
            match outcome {
                Ok((session, news)) => {
                    self.session = Some(session);
                    self.failed = false;
                    self.ready.extend(news);
                }
                Err(error) => {
                    if !self.failed {
                        tracing::warn!(%error, "watching the event streams");
                    }
                    self.failed = true;
                    self.ready.push_back(WatchNews::Lost);
                }
            }
        }
    }
}

impl Session {
    /// Connects and notes where the streams end. What came before may have been missed.
    async fn open(
        link: Link,
        streams: Vec<String>,
        pause: Duration,
    ) -> Result<(Self, Vec<WatchNews>), LinkError> {
        sleep(pause).await;
        let mut connection = link.dedicated().await?;
        let mut seen = HashMap::new();
        for stream in streams {
            let mut command = cmd("XREVRANGE");
            command.arg(&stream).arg("+").arg("-").arg("COUNT").arg(1);
            let reply: StreamRangeReply =
                bounded(GRACE, command.query_async(&mut connection)).await?;
            let last = reply.ids.into_iter().next().map_or("0-0".to_owned(), |entry| entry.id);
            seen.insert(stream, last);
        }
        Ok((Self { connection, seen }, vec![WatchNews::Lost]))
    }

    async fn read(mut self, streams: Vec<String>) -> Result<(Self, Vec<WatchNews>), LinkError> {
        let ids: Vec<&str> =
            streams.iter().map(|name| self.seen.get(name).map_or("0-0", String::as_str)).collect();
        let mut command = cmd("XREAD");
        command.arg("COUNT").arg(COUNT).arg("BLOCK").arg(millis(BLOCK));
        command.arg("STREAMS").arg(&streams).arg(&ids);
        let reply: Option<StreamReadReply> =
            bounded(BLOCK + GRACE, command.query_async(&mut self.connection)).await?;
        let mut news = Vec::new();
        for key in reply.map(|reply| reply.keys).unwrap_or_default() {
            for found in key.ids {
                match entry::decode(&found) {
                    Ok(event) => news.push(WatchNews::Event(Box::new(event))),
                    // Readers of the groups report it.
                    Err(reason) => tracing::debug!(id = found.id, reason, "not an event"),
                }
                self.seen.insert(key.key.clone(), found.id);
            }
        }
        Ok((self, news))
    }
}
