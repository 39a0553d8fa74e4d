//! Answers kept in this process, ready to be sent.
//!
//! Every resource and every tenant has an epoch, which an event raises. The epoch that was read
//! before an answer was made is part of its key, so an answer that was begun before an event is not
//! found after it, whenever it is finished; and nobody waits for one that was begun before.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use common::clock::Clock;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use uuid::Uuid;

use crate::error::NoAnswer;

/// Ids share this many epochs; answers of two that share one are merely made once too often.
const STRIPES: usize = 16_384;
/// The most that all answers together may weigh, in bytes.
const CAPACITY: u64 = 64 * 1024 * 1024;
/// What an answer weighs beside its body.
const OVERHEAD: usize = 256;
/// How often an answer that was overtaken by an event is made again.
const ATTEMPTS: usize = 3;

/// How often what is known of an id was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Epoch {
    own: u64,
    all: u64,
}

/// What an answer is about, and when it was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) resource: Uuid,
    pub(super) date: NaiveDate,
    /// The resource's, read before anything else.
    pub(super) epoch: Epoch,
}

/// An answer, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    /// Whose resource it is.
    pub(crate) tenant_id: Uuid,
    /// The tenant's, read before its rules.
    pub(super) tenant_epoch: Epoch,
    /// It is right from here …
    pub(super) from: DateTime<Utc>,
    /// … to here, unless an event comes.
    pub(super) until: DateTime<Utc>,
    /// The tenant's own rules could not be had: never to be cached, by nobody.
    pub(crate) by_default_rules: bool,
    /// JSON.
    pub(crate) body: Bytes,
    /// Names the body.
    pub(crate) tag: String,
}

/// The answers kept.
pub(super) struct Near {
    answers: Cache<Key, Arc<Ready>>,
    stripes: Box<[AtomicU64]>,
    all: AtomicU64,
}

impl Near {
    pub(super) fn new(ttl: Duration) -> Self {
        let weight = |_: &Key, ready: &Arc<Ready>| {
            u32::try_from(ready.body.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        let answers = Cache::builder()
            .max_capacity(CAPACITY)
            .weigher(weight)
            .time_to_live(ttl)
            // Answers that events made unfindable were often read; they must be the first to go.
            .eviction_policy(EvictionPolicy::lru())
            .build();
        let stripes = (0..STRIPES).map(|_| AtomicU64::new(0)).collect();
        Self { answers, stripes, all: AtomicU64::new(0) }
    }

    /// The low bits of an id are random, in every version we make.
    fn stripe(&self, id: Uuid) -> &AtomicU64 {
        let low = usize::from(u16::from_be_bytes([id.as_bytes()[14], id.as_bytes()[15]]));
        &self.stripes[low % STRIPES]
    }

    /// The epoch of a resource or a tenant.
    pub(super) fn epoch(&self, id: Uuid) -> Epoch {
        let own = self.stripe(id).load(Ordering::SeqCst);
        Epoch { own, all: self.all.load(Ordering::SeqCst) }
    }

    /// Forgets everything of a resource or a tenant, and what is being made of it.
    pub(super) fn forget(&self, id: Uuid) {
        self.stripe(id).fetch_add(1, Ordering::SeqCst);
    }

    /// Forgets everything.
    pub(super) fn forget_all(&self) {
        self.all.fetch_add(1, Ordering::SeqCst);
        self.answers.invalidate_all();
    }

    /// The answer kept, if it is right now.
    pub(super) async fn get(
        &self,
        resource: Uuid,
        date: NaiveDate,
        now: DateTime<Utc>,
    ) -> Option<Arc<Ready>> {
        let key = Key { resource, date, epoch: self.epoch(resource) };
        let ready = self.answers.get(&key).await?;
        (ready.from <= now && self.is_right(&ready, now)).then_some(ready)
    }

    fn is_right(&self, ready: &Ready, now: DateTime<Utc>) -> bool {
        now < ready.until && ready.tenant_epoch == self.epoch(ready.tenant_id)
    }

    /// Keeps an answer.
    pub(super) async fn put(&self, key: Key, ready: &Arc<Ready>) {
        if ready.from < ready.until {
            self.answers.insert(key, Arc::clone(ready)).await;
        }
    }

    /// The answer to `key`, made if need be. Those who want it at the same time share one making.
    pub(super) async fn fill<F>(
        &self,
        key: Key,
        clock: &dyn Clock,
        make: impl Fn() -> F,
    ) -> Result<Arc<Ready>, NoAnswer>
    where
        F: Future<Output = Result<Ready, NoAnswer>>,
    {
        for _ in 0..ATTEMPTS {
            let making = async { make().await.map(Arc::new) };
            let shared = self.answers.try_get_with(key, making).await;
            let ready = shared.map_err(|error: Arc<NoAnswer>| (*error).clone())?;
            if self.is_right(&ready, clock.now()) {
                return Ok(ready);
            }
            self.answers.invalidate(&key).await;
            if ready.by_default_rules {
                return Ok(ready);
            }
        }
        make().await.map(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use common::clock::ManualClock;

    use super::*;

    const RESOURCE: Uuid = Uuid::from_u128(1);
    const TENANT: Uuid = Uuid::from_u128(2);
    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
    const TTL: Duration = Duration::from_mins(1);

    fn key(near: &Near) -> Key {
        Key { resource: RESOURCE, date: NOW.date_naive(), epoch: near.epoch(RESOURCE) }
    }

    fn ready(near: &Near, body: &'static str) -> Ready {
        Ready {
            tenant_id: TENANT,
            tenant_epoch: near.epoch(TENANT),
            from: NOW,
            until: NOW + TimeDelta::seconds(60),
            by_default_rules: false,
            body: Bytes::from_static(body.as_bytes()),
            tag: String::new(),
        }
    }

    async fn kept(near: &Near, now: DateTime<Utc>) -> Option<Bytes> {
        near.get(RESOURCE, NOW.date_naive(), now).await.map(|ready| ready.body.clone())
    }

    #[tokio::test]
    async fn an_answer_is_found_until_its_time_or_an_event_comes() {
        let near = Near::new(TTL);
        for event in [RESOURCE, TENANT] {
            near.put(key(&near), &Arc::new(ready(&near, "a"))).await;
            assert!(kept(&near, NOW).await.is_some());
            assert!(kept(&near, NOW + TimeDelta::seconds(60)).await.is_none());
            assert!(kept(&near, NOW - TimeDelta::seconds(1)).await.is_none());
            near.forget(event);
            assert!(kept(&near, NOW).await.is_none());
        }
        near.put(key(&near), &Arc::new(ready(&near, "a"))).await;
        near.forget_all();
        assert!(kept(&near, NOW).await.is_none());
    }

    #[tokio::test]
    async fn an_answer_begun_before_an_event_is_not_found_after_it() {
        let (near, clock) = (Near::new(TTL), ManualClock::at(NOW));
        let begun = key(&near);
        let make = || async {
            near.forget(RESOURCE);
            Ok(ready(&near, "old"))
        };
        let old = near.fill(begun, &clock, make).await.unwrap();
        assert_eq!(old.body, "old");
        assert_eq!(kept(&near, NOW).await, None);
        let new = near.fill(key(&near), &clock, || async { Ok(ready(&near, "new")) }).await;
        assert_eq!(new.unwrap().body, "new");
    }

    #[tokio::test]
    async fn an_answer_by_rules_of_before_is_made_again() {
        let (near, clock) = (Near::new(TTL), ManualClock::at(NOW));
        let calls = AtomicU64::new(0);
        let make = || async {
            let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
            let answer = ready(&near, if first { "old" } else { "new" });
            if first {
                near.forget(TENANT);
            }
            Ok(answer)
        };
        assert_eq!(near.fill(key(&near), &clock, make).await.unwrap().body, "new");
        assert_eq!(kept(&near, NOW).await.unwrap(), "new");
    }

    #[tokio::test]
    async fn an_answer_by_default_rules_is_not_kept() {
        let (near, clock) = (Near::new(TTL), ManualClock::at(NOW));
        let make = || async {
            Ok(Ready { until: NOW, by_default_rules: true, ..ready(&near, "default") })
        };
        assert_eq!(near.fill(key(&near), &clock, make).await.unwrap().body, "default");
        assert_eq!(kept(&near, NOW).await, None);
    }
}
