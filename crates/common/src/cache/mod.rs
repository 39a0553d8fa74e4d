//! Caches whose entries belong to a *scope* (a resource, a tenant) and are all dropped with it.
//!
//! Every scope has a generation. A filler reads it, loads, and stores under it; raising it makes
//! whatever was stored or is just being loaded unreachable, so a slow fill cannot bring old data
//! back. A cache is never the truth: any trouble with it is a miss.

mod memory;
mod redis;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use memory::MemoryCache;
pub use redis::RedisCache;

/// A cache. Two implementations pass one contract suite.
#[async_trait]
pub trait Cache: Send + Sync {
    /// What was stored under the scope's current generation.
    async fn get(&self, scope: &str, key: &str) -> Option<Bytes>;

    /// The scope's generation, to be read *before* loading what is then [`Cache::put`]. `None`: do
    /// not store.
    async fn generation(&self, scope: &str) -> Option<u64>;

    /// Stores `value` for `ttl` if the scope's generation is still `generation`.
    async fn put(&self, scope: &str, key: &str, generation: u64, value: Bytes, ttl: Duration);

    /// Raises the generation: everything of the scope is gone. False if the cache could not be
    /// reached; a shared cache may then serve others the old value until it can, or its time is up.
    async fn invalidate(&self, scope: &str) -> bool;
}
