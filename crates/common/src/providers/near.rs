//! A near cache with an epoch per key: what was loaded before an invalidation is not found after it.

use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use uuid::Uuid;

/// Keys share this many epochs; two that share one are merely loaded once too often.
const STRIPES: usize = 4_096;

/// How often what is known of an id was forgotten.
pub struct Epochs {
    stripes: Vec<AtomicU64>,
    hasher: RandomState,
}

impl Epochs {
    /// Nothing was forgotten yet.
    pub fn new() -> Self {
        let stripes = (0..STRIPES).map(|_| AtomicU64::new(0)).collect();
        Self { stripes, hasher: RandomState::new() }
    }

    fn stripe(&self, id: Uuid) -> &AtomicU64 {
        let hash = usize::try_from(self.hasher.hash_one(id) % STRIPES as u64).unwrap_or(0);
        &self.stripes[hash]
    }

    /// The epoch of an id.
    pub fn of(&self, id: Uuid) -> u64 {
        self.stripe(id).load(Ordering::Acquire)
    }

    /// Begins another epoch of an id.
    pub fn raise(&self, id: Uuid) {
        self.stripe(id).fetch_add(1, Ordering::AcqRel);
    }
}

impl Default for Epochs {
    fn default() -> Self {
        Self::new()
    }
}

/// Where a value lies: its id and the epochs at which its load began.
type Key = (Uuid, u64, u64);

/// Facts of type `T` by id, in this process.
pub struct Near<T: Clone + Send + Sync + 'static> {
    values: Cache<Key, T>,
    epochs: Epochs,
    all: AtomicU64,
}

impl<T: Clone + Send + Sync + 'static> Near<T> {
    /// An empty cache of at most `capacity` values that live at most `ttl`.
    pub fn new(capacity: u64, ttl: Duration) -> Arc<Self> {
        Arc::new(Self {
            values: Cache::builder().max_capacity(capacity).time_to_live(ttl).build(),
            epochs: Epochs::new(),
            all: AtomicU64::new(0),
        })
    }

    fn key(&self, id: Uuid) -> Key {
        (id, self.epochs.of(id), self.all.load(Ordering::Acquire))
    }

    /// The value kept, or the one loaded. Loads of one key at one time are one load; nobody who asks
    /// after [`Self::forget`] joins a load that began before it.
    pub async fn get<E, F>(&self, id: Uuid, load: impl FnOnce() -> F) -> Result<T, Arc<E>>
    where
        E: Send + Sync + 'static,
        F: Future<Output = Result<T, E>>,
    {
        let key = self.key(id);
        match self.values.get(&key).await {
            Some(value) => Ok(value),
            None => self.values.try_get_with(key, load()).await,
        }
    }

    /// Makes what is kept of one id, and what is being loaded for it, unfindable.
    pub fn forget(&self, id: Uuid) {
        self.epochs.raise(id);
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
    async fn a_value_loaded_before_an_invalidation_is_not_found_after_it() {
        let near = Near::<u32>::new(10, Duration::from_mins(1));
        let overtaken = near.get(ID, || async {
            near.forget(ID);
            Ok::<u32, ()>(1)
        });
        assert_eq!(overtaken.await, Ok(1), "it was asked for before");
        assert_eq!(near.get(ID, || async { Ok::<u32, ()>(2) }).await, Ok(2));
        assert_eq!(near.get(ID, || async { Ok::<u32, ()>(3) }).await, Ok(2));
    }

    #[tokio::test]
    async fn nobody_who_asks_after_an_invalidation_joins_a_load_begun_before_it() {
        let near = Near::<u32>::new(10, Duration::from_mins(1));
        let (release, held) = tokio::sync::oneshot::channel::<()>();
        let early = near.get(ID, || async {
            held.await.map_err(drop)?;
            Ok::<u32, ()>(1)
        });
        let late = async {
            near.forget(ID);
            let late = near.get(ID, || async { Ok::<u32, ()>(2) }).await;
            release.send(()).map_err(drop)?;
            Ok::<_, ()>(late)
        };
        let (early, late) = tokio::join!(early, late);
        assert_eq!((early, late), (Ok(1), Ok(Ok(2))));
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
