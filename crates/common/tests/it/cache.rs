//! What every cache promises.

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::cache::{Cache, MemoryCache, RedisCache};
use testkit::servers::Redis;
use testkit::servers::redis::{self, Persistence};

use crate::support::ids;

const TTL: Duration = Duration::from_mins(1);

fn caches() -> Vec<Box<dyn Cache>> {
    let redis = RedisCache::connect(redis::shared()).expect("a URL");
    vec![Box::new(MemoryCache::new(1_000)), Box::new(redis)]
}

fn scope() -> String {
    ids().next().to_string()
}

async fn fill(cache: &dyn Cache, scope: &str, key: &str, value: &'static str) {
    let generation = cache.generation(scope).await.expect("a generation");
    cache.put(scope, key, generation, Bytes::from_static(value.as_bytes()), TTL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_found_until_the_scope_is_invalidated() {
    for cache in caches() {
        let (scope, other) = (scope(), scope());
        assert_eq!(cache.get(&scope, "a").await, None);
        fill(&*cache, &scope, "a", "1").await;
        fill(&*cache, &scope, "b", "").await;
        fill(&*cache, &other, "a", "3").await;
        assert_eq!(cache.get(&scope, "a").await.as_deref(), Some(b"1".as_slice()));
        assert_eq!(cache.get(&scope, "b").await.as_deref(), Some(b"".as_slice()));
        assert!(cache.invalidate(&scope).await);
        assert_eq!(cache.get(&scope, "a").await, None);
        assert_eq!(cache.get(&scope, "b").await, None);
        assert_eq!(cache.get(&other, "a").await.as_deref(), Some(b"3".as_slice()));
        fill(&*cache, &scope, "a", "2").await;
        assert_eq!(cache.get(&scope, "a").await.as_deref(), Some(b"2".as_slice()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_fill_is_not_stored_after_an_invalidation() {
    for cache in caches() {
        let scope = scope();
        let early = cache.generation(&scope).await.expect("a generation");
        assert!(cache.invalidate(&scope).await);
        cache.put(&scope, "a", early, Bytes::from_static(b"old"), TTL).await;
        assert_eq!(cache.get(&scope, "a").await, None);
        fill(&*cache, &scope, "a", "new").await;
        cache.put(&scope, "a", early, Bytes::from_static(b"old"), TTL).await;
        assert_eq!(cache.get(&scope, "a").await.as_deref(), Some(b"new".as_slice()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn generations_only_rise() {
    for cache in caches() {
        let scope = scope();
        let mut last = cache.generation(&scope).await.expect("a generation");
        assert_eq!(cache.generation(&scope).await, Some(last), "reading does not raise");
        for _ in 0..20 {
            assert!(cache.invalidate(&scope).await);
            let now = cache.generation(&scope).await.expect("a generation");
            assert!(now > last);
            last = now;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_end_with_their_time() {
    for cache in caches() {
        let scope = scope();
        let generation = cache.generation(&scope).await.expect("a generation");
        let value = Bytes::from_static(b"x");
        cache.put(&scope, "a", generation, value.clone(), Duration::from_millis(50)).await;
        cache.put(&scope, "b", generation, value, TTL).await;
        testkit::wait::until(Duration::from_secs(2), "the end of the entry", async || {
            cache.get(&scope, "a").await.is_none()
        })
        .await;
        assert!(cache.get(&scope, "b").await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_away_is_a_miss_at_once_and_owed_invalidations_are_made_good() {
    let mut server = Redis::start(Persistence::AppendOnly).expect("Redis");
    let cache = RedisCache::connect(&server.url()).expect("a URL");
    let scope = scope();
    fill(&cache, &scope, "a", "old").await;
    assert!(cache.get(&scope, "a").await.is_some());
    server.pause();
    assert!(!cache.invalidate(&scope).await);
    let asked = Instant::now();
    for _ in 0..100 {
        assert_eq!(cache.get(&scope, "a").await, None);
        assert_eq!(cache.generation(&scope).await, None);
    }
    assert!(asked.elapsed() < Duration::from_millis(500), "{:?}", asked.elapsed());
    server.resume();
    testkit::wait::until(Duration::from_secs(5), "Redis to be used again", async || {
        cache.generation(&scope).await.is_some()
    })
    .await;
    assert_eq!(cache.get(&scope, "a").await, None, "the old value is not served");
    let replica = RedisCache::connect(&server.url()).expect("a URL");
    assert_eq!(replica.get(&scope, "a").await, None, "nor by anybody else");
    server.kill();
    server.restart().expect("restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_generation_does_not_come_back() {
    let mut server = Redis::start(Persistence::None).expect("Redis");
    let cache = RedisCache::connect(&server.url()).expect("a URL");
    let scope = scope();
    for _ in 0..5 {
        assert!(cache.invalidate(&scope).await);
    }
    let before = cache.generation(&scope).await.expect("a generation");
    server.restart().expect("restart");
    testkit::wait::until(Duration::from_secs(5), "a generation", async || {
        cache.generation(&scope).await.is_some()
    })
    .await;
    assert!(cache.generation(&scope).await.expect("a generation") > before);
}
