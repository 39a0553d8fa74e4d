//! Outbox and relay.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use common::db::{Engine, Scope};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{COMBINATIONS, ENGINES, Kind, SOURCE, World, draft, numbers};

async fn numbered(world: &World) -> Vec<i64> {
    numbers(&world.producer.db, "SELECT pos FROM outbox WHERE pos IS NOT NULL ORDER BY pos").await
}

#[tokio::test(flavor = "multi_thread")]
async fn committed_events_are_numbered_in_order_and_refused_ones_leave_nothing() {
    for engine in ENGINES {
        let world = World::new(engine, Kind::Memory).await;
        let aggregate = Uuid::from_u128(1);
        let drafts: Vec<_> = (1..=700).map(|sequence| draft(aggregate, sequence)).collect();
        world.append(&drafts).await.expect("append");
        let outbox = &world.outbox;
        let refused: Result<(), sea_orm::DbErr> = world
            .producer
            .db
            .transact(Scope::All, |tx| async move {
                outbox.append(&*tx, "t", &[draft(aggregate, 701)]).await?;
                Err(sea_orm::DbErr::Custom("no".to_owned()))
            })
            .await;
        assert!(refused.is_err());
        world.write(aggregate, 3).await;
        assert_eq!(world.relay.drain().await.expect("drain"), 703);
        assert_eq!(world.relay.drain().await.expect("drain"), 0);
        assert_eq!(numbered(&world).await, (1..=703).collect::<Vec<_>>());
        assert_eq!(world.outbox.head(&world.producer.db).await.expect("head"), 703);
        let page = world.outbox.after(&world.producer.db, 0, 10_000).await.expect("after");
        assert_eq!(page.len(), 500);
        assert!(page.iter().zip(1..).all(|(event, n)| event.metadata.position == n));
        assert!(page.iter().zip(1..).all(|(event, n)| event.metadata.sequence == n));
        assert_eq!(page[6].payload, draft(aggregate, 7).payload);
        assert_eq!(
            (page[6].metadata.source, page[6].metadata.trace_id.as_str()),
            (SOURCE, "trace")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_writers_and_relays_leave_no_gap_and_no_double() {
    for (engine, kind) in COMBINATIONS {
        let world = std::sync::Arc::new(World::new(engine, kind).await);
        let stop = CancellationToken::new();
        let mut relays = JoinSet::new();
        for _ in 0..3 {
            let (relay, stop) = (world.second_relay(), stop.clone());
            relays.spawn(async move { relay.run(stop).await });
        }
        let mut writers = JoinSet::new();
        for writer in 0..6_u128 {
            let world = std::sync::Arc::clone(&world);
            writers.spawn(async move { world.write(Uuid::from_u128(writer), 30).await });
        }
        writers.join_all().await;
        world.relay.drain().await.expect("drain");
        stop.cancel();
        relays.join_all().await;
        assert_eq!(numbered(&world).await, (1..=180).collect::<Vec<_>>());
        let mut reader = world.bus.reader(&world.streams.booking, "g", "a").await.expect("reader");
        let taken = reader.next(1_000, Duration::from_millis(100)).await.expect("read");
        let positions: Vec<i64> = taken.iter().map(|d| d.event.metadata.position).collect();
        assert_eq!(positions, (1..=180).collect::<Vec<_>>(), "{engine:?} {kind:?}");
        let ids: HashSet<Uuid> = taken.iter().map(|d| d.event.metadata.event_id).collect();
        assert_eq!(ids.len(), 180);
        for writer in 0..6_u128 {
            let own = taken.iter().map(|d| &d.event.metadata);
            let own = own.filter(|meta| meta.aggregate_id == Uuid::from_u128(writer));
            assert!(own.zip(1..).all(|(meta, n)| meta.sequence == n), "order of an aggregate");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbering_never_starts_from_an_old_snapshot() {
    let world = World::new(Engine::Postgres, Kind::Memory).await;
    for round in 1..=12_i64 {
        let drafts: Vec<_> = (1..=1_500).map(|n| draft(Uuid::from_u128(1), n)).collect();
        world.append(&drafts).await.expect("append");
        let mut relays = JoinSet::new();
        for _ in 0..8 {
            let relay = world.second_relay();
            relays.spawn(async move { relay.drain().await.map(drop) });
        }
        for done in relays.join_all().await {
            done.expect("drain");
        }
        let by_id = "SELECT pos FROM outbox ORDER BY id";
        let expected: Vec<i64> = (1..=round * 1_500).collect();
        assert!(numbers(&world.producer.db, by_id).await == expected, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_keeps_the_young_and_a_bus_without_memory_starts_at_what_is_left() {
    for engine in ENGINES {
        let world = World::new(engine, Kind::Memory).await;
        world.write(Uuid::from_u128(1), 5).await;
        world.relay.drain().await.expect("drain");
        let db = &world.producer.db;
        let hour = Duration::from_hours(1);
        assert_eq!(world.outbox.prune(db, hour).await.expect("prune"), 0);
        world.append(&[draft(Uuid::from_u128(1), 6)]).await.expect("append");
        assert_eq!(
            world.outbox.prune(db, Duration::ZERO).await.expect("prune"),
            5,
            "6 has no number"
        );
        assert_eq!(world.outbox.head(db).await.expect("head"), 5);
        world.write(Uuid::from_u128(2), 2).await;
        let fresh = World::new(engine, Kind::Memory).await;
        let relay = common::streams::Relay::new(
            db.clone(),
            world.outbox.clone(),
            std::sync::Arc::clone(&fresh.bus),
            fresh.streams.booking.clone(),
            crate::support::clock(),
        );
        assert_eq!(relay.drain().await.expect("drain"), 3);
        assert_eq!(fresh.bus.last(SOURCE).await.expect("last"), 8);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_pipeline_is_quick() {
    for (engine, kind) in COMBINATIONS {
        let world = World::new(engine, kind).await;
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let (relay, consumer) = (world.relay.clone(), world.consumer.clone());
        let (stop_relay, stop_consumer) = (stop.clone(), stop.clone());
        tasks.spawn(async move { relay.run(stop_relay).await });
        tasks.spawn(async move { consumer.run(stop_consumer).await });
        let mut times = Vec::new();
        for sequence in 1..=40 {
            world.append(&[draft(Uuid::from_u128(1), sequence)]).await.expect("append");
            let committed = Instant::now();
            let target = usize::try_from(sequence).expect("small");
            while world.recorder.committed.load(std::sync::atomic::Ordering::SeqCst) < target {
                tokio::time::sleep(Duration::from_micros(200)).await;
                assert!(committed.elapsed() < Duration::from_secs(5), "{engine:?} {kind:?}");
            }
            times.push(committed.elapsed());
        }
        stop.cancel();
        tasks.join_all().await;
        times.sort_unstable();
        let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
        eprintln!("commit to effect, {engine:?} {kind:?}: median {median:?}, worst {worst:?}");
        assert!(median < Duration::from_millis(200), "{engine:?} {kind:?}: {median:?}");
        world.settle(40, Duration::from_secs(1)).await;
    }
}
