//! Redis is killed in the middle of the work and comes back empty.

use crate::cluster::{Cluster, Options};
use crate::figures::{beside_others, number, seed, tell};
use crate::load::{DAYS, Load, Outcome};
use crate::world::World;
use contracts::Service;
use contracts::event::{BOOKING_STREAM, Metadata};
use redis::streams::StreamRangeReply;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use testkit::servers::redis::Persistence;

/// How long Redis is away: at least ten seconds; `E2E_REDIS_OUTAGE` for more.
fn outage() -> Duration {
    Duration::from_secs(number("E2E_REDIS_OUTAGE").unwrap_or(10))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bookings_go_on_without_redis_and_every_event_takes_effect_once() {
    let _beside = beside_others().await;
    let options = Options { persistence: Persistence::None, bookings: 2, ..Options::default() };
    let mut cluster = Cluster::start(options).await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    let load = Load::start(&api, &world, 4, seed("redis outage")).await;
    let began = Instant::now();
    load.more(150).await;
    let killed = Instant::now();
    cluster.redis.kill();
    load.work_for(outage()).await;
    // The services say what is missing, and stay in service.
    for service in Service::ALL {
        let ready = api.at(cluster.process(service).url()).get("/ready").await.expect(200);
        assert_eq!(ready.body["checks"]["redis"], "degraded", "{service:?}");
    }
    let back = Instant::now();
    cluster.redis.restart().expect("Redis");
    load.more(150).await;
    let ledger = load.stop().await;
    let stopped = Instant::now();
    cluster.settled(Duration::from_secs(30)).await;
    let delivered = stopped.elapsed();

    let failed = ledger.count(|outcome| outcome != Outcome::Ok);
    assert_eq!(failed, 0, "of {} operations", ledger.operations.len());
    assert!(ledger.accepted() >= 300);
    ledger.judge(&api).await;
    let sql = cluster.sql(Service::Booking).await;
    sql.assert_bookings_match_outbox().await;
    let events = sql.number("SELECT count(*) FROM outbox").await;
    assert_eq!(usize::try_from(events).unwrap(), ledger.accepted(), "one event for each change");
    let applied = cluster.sql(Service::Resource).await;
    let applied = applied
        .number(
            "SELECT pos FROM checkpoint WHERE consumer = 'resource-service' AND source = 'booking'",
        )
        .await;
    assert_eq!(applied, events, "the consumer is at the head");
    assert_stream(&cluster, events).await;
    let days: Vec<u64> = DAYS.collect();
    for world in &ledger.worlds {
        world.assert_availability(&api, &sql, &days).await;
    }
    tell(&format!(
        "Redis away for {:.1} s: {} operations, 0 failed; before: {}; without Redis: {}; settled \
         {:.2} s after the last write",
        (back - killed).as_secs_f64(),
        ledger.operations.len(),
        ledger.latencies(began, killed),
        ledger.latencies(killed, back),
        delivered.as_secs_f64()
    ));
    cluster.assert_no_errors();
}

/// The stream has every event once, in the order of positions, and each booking's in the order of
/// its versions.
async fn assert_stream(cluster: &Cluster, events: i64) {
    let client = redis::Client::open(cluster.redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd("XRANGE");
    command.arg(BOOKING_STREAM).arg("-").arg("+");
    let reply: StreamRangeReply = command.query_async(&mut connection).await.unwrap();
    let mut sequences: BTreeMap<uuid::Uuid, i64> = BTreeMap::new();
    let mut position = 0;
    for entry in &reply.ids {
        for field in ["event_type", "payload", "metadata"] {
            assert!(entry.contains_key(field), "{field} is missing");
        }
        let metadata: String = entry.get("metadata").unwrap();
        let metadata: Metadata = serde_json::from_str(&metadata).unwrap();
        assert_eq!(metadata.position, position + 1, "a gap or a repetition");
        position = metadata.position;
        let last = sequences.entry(metadata.aggregate_id).or_default();
        assert_eq!(metadata.sequence, *last + 1, "out of order");
        *last = metadata.sequence;
    }
    assert_eq!(position, events, "the stream is whole again");
}
