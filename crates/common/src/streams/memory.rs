//! The bus inside one process.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use contracts::Service;
use contracts::event::Envelope;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast};
use tokio::time::{Instant, timeout_at};

use super::bus::{BusError, Delivery, EventBus, GroupReader, Watch, WatchNews};

/// Entries a stream keeps. Who is further behind fetches from the producer's outbox.
const KEPT: usize = 10_000;
/// News a watcher may be behind before it is told [`WatchNews::Lost`].
const NEWS: usize = 1_024;
/// When an entry that was not acknowledged is handed to another member.
const CLAIM: Duration = Duration::from_secs(30);

/// Streams in memory. Clones are the same bus.
#[derive(Clone)]
pub struct MemoryBus {
    inner: Arc<Inner>,
    claim_after: Duration,
}

struct Inner {
    state: Mutex<State>,
    arrived: Notify,
    news: broadcast::Sender<(String, Arc<Envelope>)>,
}

#[derive(Default)]
struct State {
    positions: HashMap<Service, i64>,
    streams: HashMap<String, Stream>,
}

#[derive(Default)]
struct Stream {
    entries: VecDeque<(u64, Arc<Envelope>)>,
    next_id: u64,
    groups: HashMap<String, Group>,
}

#[derive(Default)]
struct Group {
    /// The first entry no member has seen.
    next: u64,
    /// Handed out and not acknowledged: since when.
    pending: BTreeMap<u64, (Instant, Arc<Envelope>)>,
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBus {
    /// An empty bus.
    pub fn new() -> Self {
        let inner = Inner {
            state: Mutex::default(),
            arrived: Notify::new(),
            news: broadcast::channel(NEWS).0,
        };
        Self { inner: Arc::new(inner), claim_after: CLAIM }
    }

    /// Hands entries that were not acknowledged to another member after `idle` instead of 30 s.
    #[must_use]
    pub fn claim_after(mut self, idle: Duration) -> Self {
        self.claim_after = idle;
        self
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventBus for MemoryBus {
    async fn publish(
        &self,
        source: Service,
        stream: &str,
        floor: i64,
        batch: &[Envelope],
    ) -> Result<i64, BusError> {
        let mut state = self.inner.state();
        let last = state.positions.get(&source).copied().unwrap_or(0);
        let mut last = last.max(floor - 1);
        let entries = state.streams.entry(stream.to_owned()).or_default();
        for event in batch {
            if event.metadata.position == last + 1 {
                last += 1;
                let event = Arc::new(event.clone());
                entries.push(Arc::clone(&event));
                // An error only says that nobody watches.
                let _ = self.inner.news.send((stream.to_owned(), event));
            }
        }
        state.positions.insert(source, last);
        drop(state);
        self.inner.arrived.notify_waiters();
        Ok(last)
    }

    async fn last(&self, source: Service) -> Result<i64, BusError> {
        Ok(self.inner.state().positions.get(&source).copied().unwrap_or(0))
    }

    async fn reader(
        &self,
        stream: &str,
        group: &str,
        _consumer: &str,
    ) -> Result<Box<dyn GroupReader>, BusError> {
        Ok(Box::new(Member {
            inner: Arc::clone(&self.inner),
            stream: stream.to_owned(),
            group: group.to_owned(),
            claim_after: self.claim_after,
        }))
    }

    fn watch(&self, streams: &[String]) -> Box<dyn Watch> {
        Box::new(Watcher { streams: streams.to_vec(), news: self.inner.news.subscribe() })
    }

    async fn ping(&self) -> Result<(), BusError> {
        Ok(())
    }
}

impl Stream {
    fn push(&mut self, event: Arc<Envelope>) {
        self.entries.push_back((self.next_id, event));
        self.next_id += 1;
        if self.entries.len() > KEPT {
            self.entries.pop_front();
        }
    }

    fn hand_out(&mut self, group: &str, max: usize, claim_after: Duration) -> Vec<Delivery> {
        let now = Instant::now();
        let group = self.groups.entry(group.to_owned()).or_default();
        let mut taken = Vec::new();
        let stale = group.pending.iter_mut().filter(|(_, (since, _))| *since + claim_after <= now);
        for (id, (since, event)) in stale.take(max) {
            *since = now;
            taken.push(Delivery { id: id.to_string(), event: (**event).clone(), again: true });
        }
        let first = self.entries.front().map_or(self.next_id, |(id, _)| *id);
        let skip = usize::try_from(group.next.saturating_sub(first)).unwrap_or(usize::MAX);
        for (id, event) in self.entries.iter().skip(skip).take(max - taken.len()) {
            group.next = id + 1;
            group.pending.insert(*id, (now, Arc::clone(event)));
            taken.push(Delivery { id: id.to_string(), event: (**event).clone(), again: false });
        }
        while group.pending.len() > KEPT {
            group.pending.pop_first();
        }
        taken
    }
}

struct Member {
    inner: Arc<Inner>,
    stream: String,
    group: String,
    claim_after: Duration,
}

#[async_trait]
impl GroupReader for Member {
    async fn next(&mut self, max: usize, wait: Duration) -> Result<Vec<Delivery>, BusError> {
        let deadline = Instant::now() + wait;
        loop {
            let arrived = self.inner.arrived.notified();
            tokio::pin!(arrived);
            // Listen before looking, or an entry between the two would be slept over.
            arrived.as_mut().enable();
            let taken = {
                let mut state = self.inner.state();
                let stream = state.streams.entry(self.stream.clone()).or_default();
                stream.hand_out(&self.group, max.max(1), self.claim_after)
            };
            if !taken.is_empty() || timeout_at(deadline, arrived).await.is_err() {
                return Ok(taken);
            }
        }
    }

    async fn ack(&mut self, ids: &[String]) -> Result<(), BusError> {
        let mut state = self.inner.state();
        let stream = state.streams.entry(self.stream.clone()).or_default();
        let group = stream.groups.entry(self.group.clone()).or_default();
        for id in ids.iter().filter_map(|id| id.parse().ok()) {
            group.pending.remove(&id);
        }
        Ok(())
    }
}

struct Watcher {
    streams: Vec<String>,
    news: broadcast::Receiver<(String, Arc<Envelope>)>,
}

#[async_trait]
impl Watch for Watcher {
    async fn next(&mut self) -> WatchNews {
        loop {
            match self.news.recv().await {
                Ok((stream, event)) if self.streams.contains(&stream) => {
                    return WatchNews::Event(Box::new(Arc::unwrap_or_clone(event)));
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return WatchNews::Lost,
                // The bus is gone, and with it everybody who could publish.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
