//! Redis is killed without persistence, or stops answering; nothing is lost or done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use common::db::Engine;
use common::streams::{MemoryBus, RedisBus};
use testkit::servers::postgres::Durability;
use testkit::servers::redis::Persistence;
use testkit::servers::{Postgres, Redis};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{ENGINES, SOURCE, TestDb, World, draft, streams};

struct Running {
    world: Arc<World>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// Two relays and two consumers on a Redis of their own.
async fn start(engine: Engine, server: &Redis) -> Running {
    let streams = streams();
    let bus = RedisBus::connect(&server.url(), streams.clone()).expect("a URL");
    go(Arc::new(World::on(engine, Arc::new(bus), streams).await))
}

fn go(world: Arc<World>) -> Running {
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    for relay in [world.relay.clone(), world.second_relay()] {
        let stop = stop.clone();
        tasks.spawn(async move { relay.run(stop).await });
    }
    for consumer in [world.twin(), world.twin()] {
        let stop = stop.clone();
        tasks.spawn(async move { consumer.run(stop).await });
    }
    Running { world, stop, tasks }
}

impl Running {
    fn write(&self, aggregates: std::ops::Range<u128>) -> JoinSet<()> {
        let mut writers = JoinSet::new();
        for aggregate in aggregates {
            let world = Arc::clone(&self.world);
            writers.spawn(async move { world.write(Uuid::from_u128(aggregate), 25).await });
        }
        writers
    }

    /// Events in the log.
    async fn head(&self) -> i64 {
        self.world.outbox.head(&self.world.producer.db).await.expect("head")
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.join_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_again_and_again_loses_nothing() {
    for engine in ENGINES {
        let mut server = Redis::start(Persistence::None).expect("Redis");
        let running = start(engine, &server).await;
        for round in 0..4_u128 {
            let before = running.head().await;
            let writers = running.write(round * 4..round * 4 + 4);
            testkit::wait::until(Duration::from_secs(10), "some writes", async || {
                running.head().await >= before + 10
            })
            .await;
            server.restart().expect("kill and restart");
            writers.join_all().await;
        }
        running.world.settle(400, Duration::from_secs(20)).await;
        // The stream has all of it as well, from the outbox.
        testkit::wait::until(Duration::from_secs(10), "the stream to be whole", async || {
            running.world.bus.last(SOURCE).await.is_ok_and(|last| last == 400)
        })
        .await;
        let world = Arc::clone(&running.world);
        running.end().await;
        assert!(world.is_complete(400).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_flow_while_redis_is_away() {
    let mut server = Redis::start(Persistence::None).expect("Redis");
    let running = start(Engine::Postgres, &server).await;
    running.write(0..2).join_all().await;
    running.world.settle(50, Duration::from_secs(10)).await;
    server.kill();
    let killed = Instant::now();
    running.write(2..4).join_all().await;
    eprintln!("50 writes with Redis killed: {:?}", killed.elapsed());
    running.world.settle(100, Duration::from_secs(5)).await;
    eprintln!("effects with Redis killed: {:?}", killed.elapsed());
    server.restart().expect("restart");
    testkit::wait::until(Duration::from_secs(5), "the stream to be whole", async || {
        running.world.bus.last(SOURCE).await.is_ok_and(|last| last == 100)
    })
    .await;
    running.world.settle(100, Duration::from_secs(1)).await;
    server.pause();
    let paused = Instant::now();
    running.write(4..6).join_all().await;
    assert!(paused.elapsed() < Duration::from_secs(2), "writers do not wait for Redis");
    running.world.settle(150, Duration::from_secs(8)).await;
    eprintln!("effects with Redis stopped: {:?}", paused.elapsed());
    server.resume();
    let resumed = Instant::now();
    running.write(6..8).join_all().await;
    running.world.settle(200, Duration::from_secs(5)).await;
    eprintln!("effects after it went on: {:?}", resumed.elapsed());
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_killed_under_load_loses_nothing_that_was_acknowledged() {
    let mut server = Postgres::start(Durability::Fast).expect("Postgres");
    let (producer, consumer) = (TestDb::on_server(&server).await, TestDb::on_server(&server).await);
    let world = World::between(producer, consumer, Arc::new(MemoryBus::new()), streams());
    let running = go(Arc::new(world));
    let mut writers = JoinSet::new();
    let (written, ended) = (Arc::new(AtomicI64::new(0)), CancellationToken::new());
    for aggregate in 0..4 {
        let (written, ended) = (Arc::clone(&written), ended.clone());
        let world = Arc::clone(&running.world);
        writers.spawn(async move {
            let mut acknowledged = 0;
            // Until the server was killed for the last time; a thousand are more than are needed.
            for sequence in 1..=1_000 {
                if ended.is_cancelled() {
                    break;
                }
                // Failed or unknown: an event that is not acknowledged may be there or not.
                let drafts = [draft(Uuid::from_u128(aggregate), sequence)];
                let known = i64::from(world.append(&drafts).await.is_ok());
                acknowledged += known;
                written.fetch_add(known, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(15)).await;
            }
            acknowledged
        });
    }
    for _ in 0..3 {
        let more = written.load(Ordering::SeqCst) + 20;
        testkit::wait::until(Duration::from_secs(10), "writes to be acknowledged", async || {
            written.load(Ordering::SeqCst) >= more
        })
        .await;
        server.restart().expect("kill and restart");
    }
    ended.cancel();
    let acknowledged: i64 = writers.join_all().await.into_iter().sum();
    running.world.relay.drain().await.expect("drain");
    let head = running.head().await;
    eprintln!("{acknowledged} acknowledged, {head} in the log");
    assert!(acknowledged >= 60 && head >= acknowledged);
    running.world.settle(head, Duration::from_secs(20)).await;
    running.end().await;
}
