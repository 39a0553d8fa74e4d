//! Effects: once, in order, whatever the bus does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::db::Engine;
use common::streams::{ReplayError, Streams};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{COMBINATIONS, ENGINES, Kind, SOURCE, World, draft, numbers};

const SOON: Duration = Duration::from_secs(20);

/// Runs a relay and some consumers around `work`.
async fn running(world: &World, consumers: usize, work: impl AsyncFnOnce()) {
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let (relay, ending) = (world.relay.clone(), stop.clone());
    tasks.spawn(async move { relay.run(ending).await });
    for _ in 0..consumers {
        let (consumer, ending) = (world.twin(), stop.clone());
        tasks.spawn(async move { consumer.run(ending).await });
    }
    work().await;
    stop.cancel();
    tasks.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_have_their_effect_once_and_in_order() {
    for (engine, kind) in COMBINATIONS {
        let world = World::new(engine, kind).await;
        running(&world, 1, async || {
            world.write(Uuid::from_u128(1), 50).await;
            let drafts: Vec<_> = (1..=400).map(|n| draft(Uuid::from_u128(2), n)).collect();
            world.append(&drafts).await.expect("append");
            world.settle(450, SOON).await;
        })
        .await;
        let lag = world.consumer.lag().await.expect("lag");
        assert_eq!((lag[0].checkpoint, lag[0].behind()), (450, 0));
        assert!(world.is_complete(450).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_race_apply_everything_once() {
    for (engine, kind) in COMBINATIONS {
        let world = World::new(engine, kind).await;
        running(&world, 3, async || {
            for aggregate in 0..30_u128 {
                world.write(Uuid::from_u128(aggregate), 10).await;
            }
            world.settle(300, SOON).await;
        })
        .await;
        assert!(world.is_complete(300).await, "{engine:?} {kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_needs_no_bus() {
    for engine in ENGINES {
        let world = World::new(engine, Kind::Memory).await;
        world.write(Uuid::from_u128(1), 5).await;
        assert_eq!(world.consumer.drain().await.expect("drain"), 0, "nothing is numbered yet");
        world.relay.drain().await.expect("relay");
        assert_eq!(world.consumer.drain().await.expect("drain"), 5);
        assert_eq!(world.twin().drain().await.expect("drain"), 0);
        assert_eq!(world.recorder.committed.load(Ordering::SeqCst), 5);
        assert!(world.is_complete(5).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_fetched_from_the_producer() {
    for (engine, kind) in COMBINATIONS {
        let world = World::new(engine, kind).await;
        world.write(Uuid::from_u128(1), 20).await;
        // A bus that has forgotten 1 to 15.
        world.relay.drain().await.expect("relay");
        let other = World::new(engine, kind).await;
        let page = world.outbox.after(&world.producer.db, 15, 100).await.expect("after");
        other.bus.publish(SOURCE, &other.streams.booking, 16, &page).await.expect("publish");
        let (bus, streams) = (Arc::clone(&other.bus), other.streams.clone());
        let consumer = World { bus, streams, ..world };
        let (twin, stop) = (consumer.twin(), CancellationToken::new());
        let (ending, mut tasks) = (stop.clone(), JoinSet::new());
        tasks.spawn(async move { twin.run(ending).await });
        consumer.settle(20, SOON).await;
        assert!(consumer.direct.asked.load(Ordering::SeqCst) > 0);
        stop.cancel();
        tasks.join_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pruned_unread_is_jumped_over() {
    for engine in ENGINES {
        let world = World::new(engine, Kind::Memory).await;
        world.write(Uuid::from_u128(1), 5).await;
        world.relay.drain().await.expect("relay");
        world.outbox.prune(&world.producer.db, Duration::ZERO).await.expect("prune");
        world.write(Uuid::from_u128(2), 2).await;
        world.relay.drain().await.expect("relay");
        assert_eq!(world.consumer.drain().await.expect("drain"), 2);
        assert_eq!(world.effects().await, [6, 7]);
        assert_eq!(world.consumer.lag().await.expect("lag")[0].checkpoint, 7);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_failure_heals_and_leaves_no_trace() {
    for (engine, kind) in COMBINATIONS {
        let world = World::new(engine, kind).await;
        world.recorder.poison.lock().expect("poison").insert(3);
        running(&world, 1, async || {
            world.write(Uuid::from_u128(1), 6).await;
            let attempts = "SELECT attempts FROM delivery_attempt";
            testkit::wait::until(SOON, "a second attempt", async || {
                numbers(&world.consumer_db.db, attempts).await.first().is_some_and(|n| *n >= 2)
            })
            .await;
            assert_eq!(world.effects().await, [1, 2], "the prefix is not held up");
            world.recorder.poison.lock().expect("poison").clear();
            world.settle(6, SOON).await;
            testkit::wait::until(SOON, "attempts to be forgotten", async || {
                numbers(&world.consumer_db.db, attempts).await.is_empty()
            })
            .await;
        })
        .await;
        assert!(world.consumer.dead_letters(10).await.expect("letters").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_aggregate_waits_and_the_rest_flows_and_replay_mends_it() {
    for (engine, kind) in COMBINATIONS {
        let world = World::new(engine, kind).await;
        let (sick, well) = (Uuid::from_u128(1), Uuid::from_u128(2));
        world.recorder.poison.lock().expect("poison").insert(2);
        running(&world, 2, async || {
            // 1 sick, 2 sick (poison), 3 well, 4 sick, 5 well, 6 sick.
            for (aggregate, sequence) in [(sick, 1), (sick, 2), (well, 1), (sick, 3), (well, 2)] {
                world.append(&[draft(aggregate, sequence)]).await.expect("append");
            }
            testkit::wait::until(SOON, "the rest", async || world.effects().await == [1, 3, 5])
                .await;
            world.append(&[draft(sick, 4)]).await.expect("append");
            testkit::wait::until(SOON, "three letters", async || {
                world.consumer.dead_letters(10).await.expect("letters").len() == 3
            })
            .await;
        })
        .await;
        let letters = world.consumer.dead_letters(10).await.expect("letters");
        let waiting: Vec<_> = letters.iter().map(|letter| (letter.pos, letter.attempts)).collect();
        assert_eq!(waiting, [(2, 5), (4, 0), (6, 0)]);
        assert_eq!(letters[0].error, "poison");
        let failed = world.consumer.replay(SOURCE, 2).await;
        assert!(matches!(failed, Err(ReplayError::Failed { pos: 2, .. })), "{failed:?}");
        let early = world.consumer.replay(SOURCE, 4).await;
        assert!(matches!(early, Err(ReplayError::Behind(2))), "{early:?}");
        world.recorder.poison.lock().expect("poison").clear();
        assert_eq!(world.consumer.replay(SOURCE, 2).await.expect("replay"), 3);
        let twice = world.consumer.replay(SOURCE, 2).await;
        assert!(matches!(twice, Err(ReplayError::NotFound(2))), "{twice:?}");
        assert_eq!(world.effects().await, [1, 3, 5, 2, 4, 6]);
        world.append(&[draft(sick, 5)]).await.expect("append");
        world.relay.drain().await.expect("relay");
        assert_eq!(world.consumer.drain().await.expect("drain"), 1, "it flows again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_others_on_the_stream_are_passed_over() {
    let world = World::new(Engine::Sqlite, Kind::Redis).await;
    let mut foreign = crate::support::events(1..=3);
    for event in &mut foreign {
        event.metadata.source = contracts::Service::User;
    }
    let Streams { booking, .. } = &world.streams;
    world.bus.publish(contracts::Service::User, booking, 1, &foreign).await.expect("publish");
    running(&world, 1, async || {
        world.write(Uuid::from_u128(1), 2).await;
        world.settle(2, SOON).await;
    })
    .await;
}
