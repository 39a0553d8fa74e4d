//! The cache of one process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use moka::Expiry;
use moka::sync::Cache as Moka;

use super::Cache;

/// Entries in memory, bounded; the least used go first.
pub struct MemoryCache {
    /// Generations are never used twice, so one that was evicted cannot come back.
    next: AtomicU64,
    generations: Moka<String, u64>,
    entries: Moka<(String, String), Entry>,
}

#[derive(Clone)]
struct Entry {
    generation: u64,
    value: Bytes,
    ttl: Duration,
}

struct PerEntry;

impl Expiry<(String, String), Entry> for PerEntry {
    fn expire_after_create(
        &self,
        _key: &(String, String),
        entry: &Entry,
        _now: Instant,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _key: &(String, String),
        entry: &Entry,
        _now: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl MemoryCache {
    /// A cache of at most `capacity` entries in at most as many scopes.
    pub fn new(capacity: u64) -> Self {
        Self {
            next: AtomicU64::new(1),
            generations: Moka::new(capacity),
            entries: Moka::builder().max_capacity(capacity).expire_after(PerEntry).build(),
        }
    }

    fn fresh(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, scope: &str, key: &str) -> Option<Bytes> {
        let entry = self.entries.get(&(scope.to_owned(), key.to_owned()))?;
        let current = self.generations.get(scope)?;
        (entry.generation == current).then_some(entry.value)
    }

    async fn generation(&self, scope: &str) -> Option<u64> {
        Some(self.generations.get_with_by_ref(scope, || self.fresh()))
    }

    async fn put(&self, scope: &str, key: &str, generation: u64, value: Bytes, ttl: Duration) {
        if self.generations.get(scope) == Some(generation) {
            // Raised just now? Then the entry carries the old generation and is never served.
            let entry = Entry { generation, value, ttl };
            self.entries.insert((scope.to_owned(), key.to_owned()), entry);
        }
    }

    async fn invalidate(&self, scope: &str) -> bool {
        self.generations.insert(scope.to_owned(), self.fresh());
        true
    }
}
