//! A near cache with an epoch per key: what was loaded before an invalidation is not kept after it.

use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use uuid::Uuid;

/// Keys share this many epochs; two that share one are merely loaded once too often.
const STRIPES: usize = 1_024;
/// How often a load that lost against invalidations is begun again.
const ATTEMPTS: usize = 3;

/// Facts of type `T` by id, in this process.
pub struct Near<T: Clone + Send + Sync + 'static> {
    values: Cache<Uuid, T>,
    epochs: Vec<AtomicU64>,
    all: AtomicU64,
    hasher: RandomState,
}

impl<T: Clone + Send + Sync + 'static> Near<T> {
    /// An empty cache of at most `capacity` values that live at most `ttl`.
    pub fn new(capacity: u64, ttl: Duration) -> Arc<Self> {
        Arc::new(Self {
            values: Cache::builder().max_capacity(capacity).time_to_live(ttl).build(),
            epochs: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
            all: AtomicU64::new(0),
            hasher: RandomState::new(),
        })
    }

    fn stripe(&self, id: Uuid) -> &AtomicU64 {
        let hash = usize::try_from(self.hasher.hash_one(id) % STRIPES as u64).unwrap_or(0);
        &self.epochs[hash]
    }

    fn epoch(&self, id: Uuid) -> (u64, u64) {
        (self.stripe(id).load(Ordering::Acquire), self.all.load(Ordering::Acquire))
    }

    /// The value kept, if any.
    pub async fn peek(&self, id: Uuid) -> Option<T> {
        self.values.get(&id).await
    }

    /// The value kept, or the one loaded. Loads of one key at one time are one load.
    pub async fn get<E, F>(&self, id: Uuid, load: impl Fn() -> F) -> Result<T, Arc<E>>
    where
        E: Send + Sync + 'static,
        F: Future<Output = Result<T, E>>,
    {
        let mut attempt = 1;
        loop {
            if let Some(value) = self.values.get(&id).await {
                return Ok(value);
            }
            let before = self.epoch(id);
            let loaded = self.values.try_get_with(id, load()).await;
            if self.epoch(id) == before {
                return loaded;
            }
            self.values.invalidate(&id).await;
            attempt += 1;
            if attempt > ATTEMPTS {
                return load().await.map_err(Arc::new);
            }
        }
    }

    /// Forgets one value, and those being loaded for it.
    pub fn forget(&self, id: Uuid) {
        self.stripe(id).fetch_add(1, Ordering::AcqRel);
        // `invalidate` of the future cache is async only for listeners, which there are none of.
        futures_util::FutureExt::now_or_never(self.values.invalidate(&id));
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        self.all.fetch_add(1, Ordering::AcqRel);
        self.values.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(7);

    #[tokio::test]
    async fn a_value_loaded_before_an_invalidation_is_not_kept_after_it() {
        let near = Near::<u32>::new(10, Duration::from_mins(1));
        let calls = AtomicU64::new(0);
        let load = || {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            let near = &near;
            async move {
                if call == 0 {
                    near.forget(ID);
                    return Ok::<u32, ()>(1);
                }
                Ok(2)
            }
        };
        assert_eq!(near.get(ID, load).await, Ok(2));
        assert_eq!(near.peek(ID).await, Some(2));
    }

    #[tokio::test]
    async fn forgetting_makes_the_next_read_load_again() {
        let near = Near::<u32>::new(10, Duration::from_mins(1));
        assert_eq!(near.get(ID, || async { Ok::<u32, ()>(1) }).await, Ok(1));
        assert_eq!(near.get(ID, || async { Ok::<u32, ()>(2) }).await, Ok(1));
        near.forget(ID);
        assert_eq!(near.get(ID, || async { Ok::<u32, ()>(3) }).await, Ok(3));
        near.forget_all();
        assert_eq!(near.get(ID, || async { Ok::<u32, ()>(4) }).await, Ok(4));
    }
}
