//! What changed of the days of resources, for those who watch them. A resource that is watched has a
//! short memory of its own, so that a reader who was cut off gets what was missed, and nobody's traffic
//! takes another's memory away.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use common::platform::Platform;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Readers of one tenant.
pub(crate) const MOST_OF_TENANT: usize = 100;
/// Readers in all.
const MOST: usize = 2_000;
/// Changes of a resource that are remembered.
const REMEMBERED: usize = 256;
/// How long a resource that nobody watches any more is remembered.
const LINGER: Duration = Duration::from_mins(5);
/// Resources remembered in all.
const MOST_RINGS: usize = 4_000;

/// What may be different now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// The days of bookings at these times.
    Times(Vec<(DateTime<Utc>, DateTime<Utc>)>),
    /// Every day, or it is not known which.
    Everything,
}

/// The changes of resources that are watched.
pub(crate) struct Changes {
    /// Numbers are this process' own: what another one says of them means nothing here.
    instance: String,
    /// When readers are to go.
    end: CancellationToken,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    last: u64,
    rings: HashMap<Uuid, Ring>,
    tenants: HashMap<Uuid, usize>,
    readers: usize,
}

struct Ring {
    tenant: Uuid,
    /// Everything after this number is remembered.
    floor: u64,
    entries: VecDeque<(u64, Change)>,
    readers: usize,
    left: Instant,
    news: watch::Sender<u64>,
}

/// Somebody who watches a resource. Its place is free again when it is dropped.
pub(crate) struct Reader {
    changes: Arc<Changes>,
    tenant: Uuid,
    resource: Uuid,
    seen: u64,
    /// What it saw before cannot be told from what it missed.
    lost: bool,
    news: watch::Receiver<u64>,
}

/// As many watch as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Changes {
    pub(crate) fn new(platform: &Platform) -> Arc<Self> {
        let instance = platform.ids.next().simple().to_string();
        Self::with(instance, platform.draining.clone())
    }

    fn with(instance: String, end: CancellationToken) -> Arc<Self> {
        Arc::new(Self { instance, end, inner: Mutex::default() })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When this is cancelled readers are to go.
    pub(crate) fn end(&self) -> CancellationToken {
        self.end.clone()
    }

    /// Begins to watch a resource: after what `last` names, or from now on.
    pub(crate) fn watch(
        self: &Arc<Self>,
        tenant: Uuid,
        resource: Uuid,
        last: Option<&str>,
    ) -> Result<Reader, Full> {
        let mut inner = self.inner();
        let of_tenant = inner.tenants.get(&tenant).copied().unwrap_or(0);
        if of_tenant >= MOST_OF_TENANT || inner.readers >= MOST {
            return Err(Full);
        }
        inner.tidy();
        let now = inner.last;
        let ring = inner.rings.entry(resource).or_insert_with(|| Ring::new(tenant, now));
        ring.readers += 1;
        let known = last.map(|id| self.number(id).filter(|seen| (ring.floor..=now).contains(seen)));
        let (seen, gap) = match known {
            None => (now, false),
            Some(Some(seen)) => (seen, false),
            Some(None) => (now, true),
        };
        let news = ring.news.subscribe();
        inner.readers += 1;
        *inner.tenants.entry(tenant).or_default() += 1;
        drop(inner);
        Ok(Reader { changes: Arc::clone(self), tenant, resource, seen, lost: gap, news })
    }

    /// The number of an id of ours.
    fn number(&self, id: &str) -> Option<u64> {
        id.strip_prefix(self.instance.as_str())?.strip_prefix('-')?.parse().ok()
    }

    /// Something of a resource changed.
    pub(crate) fn tell(&self, resource: Uuid, change: &Change) {
        let mut inner = self.inner();
        let number = inner.last + 1;
        if let Some(ring) = inner.rings.get_mut(&resource) {
            ring.push(number, change.clone());
            inner.last = number;
        }
    }

    /// Something of all resources of a tenant changed.
    pub(crate) fn tell_tenant(&self, tenant: Uuid) {
        self.tell_where(|ring| ring.tenant == tenant);
    }

    /// Events may have been missed.
    pub(crate) fn lost(&self) {
        self.tell_where(|_| true);
    }

    fn tell_where(&self, concerns: impl Fn(&Ring) -> bool) {
        let mut inner = self.inner();
        let number = inner.last + 1;
        for ring in inner.rings.values_mut().filter(|ring| concerns(ring)) {
            // Nothing that came before matters any more.
            ring.entries.clear();
            ring.push(number, Change::Everything);
        }
        inner.last = number;
    }
}

impl Inner {
    /// Forgets resources that nobody watches.
    fn tidy(&mut self) {
        self.rings.retain(|_, ring| ring.readers > 0 || ring.left.elapsed() < LINGER);
        while self.rings.len() >= MOST_RINGS {
            let idle = self.rings.iter().filter(|(_, ring)| ring.readers == 0);
            let oldest = idle.min_by_key(|(_, ring)| ring.left).map(|(id, _)| *id);
            let Some(oldest) = oldest else { return };
            self.rings.remove(&oldest);
        }
    }
}

impl Ring {
    fn new(tenant: Uuid, floor: u64) -> Self {
        let (entries, news) = (VecDeque::new(), watch::Sender::new(floor));
        Self { tenant, floor, entries, readers: 0, left: Instant::now(), news }
    }

    fn push(&mut self, number: u64, change: Change) {
        self.entries.push_back((number, change));
        if self.entries.len() > REMEMBERED
            && let Some((gone, _)) = self.entries.pop_front()
        {
            self.floor = gone;
        }
        self.news.send_replace(number);
    }
}

impl Reader {
    /// The id of what was seen last.
    pub(crate) fn id(&self) -> String {
        format!("{}-{}", self.changes.instance, self.seen)
    }

    /// What came since, in order; empty if nothing did.
    pub(crate) fn take(&mut self) -> Vec<Change> {
        self.news.mark_unchanged();
        let inner = self.changes.inner();
        let Some(ring) = inner.rings.get(&self.resource) else { return Vec::new() };
        let behind = std::mem::take(&mut self.lost) || self.seen < ring.floor;
        let news = ring.entries.iter().filter(|(number, _)| *number > self.seen);
        let found: Vec<Change> = if behind {
            vec![Change::Everything]
        } else {
            news.map(|(_, change)| change.clone()).collect()
        };
        if let Some((last, _)) = ring.entries.back() {
            self.seen = self.seen.max(*last);
        }
        found
    }

    /// Waits until something came.
    pub(crate) async fn changed(&mut self) {
        if self.news.changed().await.is_err() {
            // The ring outlives its readers.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut inner = self.changes.inner();
        inner.readers = inner.readers.saturating_sub(1);
        if let Some(ring) = inner.rings.get_mut(&self.resource) {
            ring.readers = ring.readers.saturating_sub(1);
            ring.left = Instant::now();
        }
        if let Some(count) = inner.tenants.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                inner.tenants.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: Uuid = Uuid::from_u128(1);
    const ROOM: Uuid = Uuid::from_u128(2);

    fn changes() -> Arc<Changes> {
        Changes::with("a".to_owned(), CancellationToken::new())
    }

    fn at(hour: i64) -> Change {
        let start = DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour);
        Change::Times(vec![(start, start + chrono::TimeDelta::hours(1))])
    }

    #[tokio::test]
    async fn what_comes_is_told_once_and_what_was_missed_again() {
        let changes = changes();
        let mut reader = changes.watch(TENANT, ROOM, None).unwrap();
        let begin = reader.id();
        assert_eq!(reader.take(), []);
        changes.tell(ROOM, &at(1));
        changes.tell(Uuid::from_u128(3), &at(9));
        reader.changed().await;
        assert_eq!(reader.take(), [at(1)]);
        assert_eq!(reader.take(), []);
        let cut = reader.id();
        drop(reader);
        changes.tell(ROOM, &at(2));
        changes.tell(ROOM, &at(3));
        let missed = |id: &str| changes.watch(TENANT, ROOM, Some(id)).unwrap().take();
        assert_eq!(missed(&cut), [at(2), at(3)]);
        assert_eq!(missed(&begin), [at(1), at(2), at(3)]);
        for strange in ["", "b-1", "a-", "a-999", "a-x"] {
            assert_eq!(missed(strange), [Change::Everything], "{strange}");
        }
    }

    #[test]
    fn who_is_too_far_behind_is_told_to_begin_anew() {
        let changes = changes();
        let mut slow = changes.watch(TENANT, ROOM, None).unwrap();
        let begin = slow.id();
        for hour in 0..=300 {
            changes.tell(ROOM, &at(hour));
        }
        assert_eq!(slow.take(), [Change::Everything]);
        assert_eq!(slow.take(), []);
        let mut late = changes.watch(TENANT, ROOM, Some(&begin)).unwrap();
        assert_eq!(late.take(), [Change::Everything]);
        changes.lost();
        assert_eq!(slow.take(), [Change::Everything]);
        changes.tell_tenant(Uuid::from_u128(9));
        assert_eq!(slow.take(), []);
    }

    #[test]
    fn a_tenant_has_so_many_readers_and_takes_nobody_elses() {
        let changes = changes();
        let watch = |tenant| changes.watch(tenant, ROOM, None);
        let mut held: Vec<_> = (0..MOST_OF_TENANT).map(|_| watch(TENANT).unwrap()).collect();
        assert_eq!(watch(TENANT).err(), Some(Full));
        assert!(watch(Uuid::from_u128(7)).is_ok());
        held.pop();
        assert!(watch(TENANT).is_ok());
    }
}
