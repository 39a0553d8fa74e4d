//! What only the bus on Redis has to cope with.

use std::time::{Duration, Instant};

use common::streams::{BusError, EventBus, RedisBus, Streams, WatchNews};
use redis::{Client, FromRedisValue, cmd};
use testkit::servers::Redis;
use testkit::servers::redis::{self as shared, Persistence};

use crate::support::{SOURCE, event, events, streams};

const WAIT: Duration = Duration::from_millis(100);

async fn ask<T: FromRedisValue>(url: &str, words: &[&str]) -> T {
    let client = Client::open(url).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("connect");
    let mut command = cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(&mut connection).await.expect("an answer")
}

fn bus(url: &str) -> (RedisBus, Streams) {
    let streams = streams();
    (RedisBus::connect(url, streams.clone()).expect("a URL"), streams)
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_have_the_fields_of_the_contract() {
    let (bus, streams) = bus(shared::shared());
    let stream = streams.booking.as_str();
    let sent = event(1);
    bus.publish(SOURCE, stream, 1, std::slice::from_ref(&sent)).await.expect("publish");
    let entries: Vec<(String, Vec<String>)> =
        ask(shared::shared(), &["XRANGE", stream, "-", "+"]).await;
    let fields = &entries[0].1;
    assert_eq!([&fields[0], &fields[2], &fields[4]], ["event_type", "payload", "metadata"]);
    assert_eq!(fields.len(), 6);
    let metadata: serde_json::Value = serde_json::from_str(&fields[5]).expect("JSON");
    assert_eq!((&metadata["source"], &metadata["position"]), (&"booking".into(), &1.into()));
    let last: String = ask(shared::shared(), &["GET", &format!("{stream}:pos:booking")]).await;
    assert_eq!(last, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_an_event_is_acknowledged_and_passed_over() {
    let (bus, streams) = bus(shared::shared());
    let stream = streams.booking.as_str();
    for fields in [["event_type", "x"], ["metadata", "{"]] {
        let _: String = ask(shared::shared(), &["XADD", stream, "*", fields[0], fields[1]]).await;
    }
    bus.publish(SOURCE, stream, 1, &events(1..=1)).await.expect("publish");
    let mut reader = bus.reader(stream, "g", "a").await.expect("reader");
    let taken = reader.next(10, WAIT).await.expect("read");
    assert_eq!(taken.len(), 1);
    reader.ack(&[taken[0].id.clone()]).await.expect("ack");
    let pending: (u64, Option<String>, Option<String>, Option<Vec<String>>) =
        ask(shared::shared(), &["XPENDING", stream, "g"]).await;
    assert_eq!(pending.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_vanished_is_made_anew_from_the_beginning() {
    let (bus, streams) = bus(shared::shared());
    let stream = streams.booking.as_str();
    bus.publish(SOURCE, stream, 1, &events(1..=2)).await.expect("publish");
    let mut reader = bus.reader(stream, "g", "a").await.expect("reader");
    assert_eq!(reader.next(10, WAIT).await.expect("read").len(), 2);
    let _: u64 = ask(shared::shared(), &["DEL", stream, &format!("{stream}:pos:booking")]).await;
    assert_eq!(bus.publish(SOURCE, stream, 1, &events(3..=3)).await.expect("asked"), 0);
    assert_eq!(bus.publish(SOURCE, stream, 1, &events(1..=3)).await.expect("publish"), 3);
    assert_eq!(reader.next(10, WAIT).await.expect("read").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_away_costs_little_time_and_comes_back_by_itself() {
    let mut server = Redis::start(Persistence::None).expect("Redis");
    let (bus, streams) = bus(&server.url());
    let stream = streams.booking.as_str();
    server.kill();
    let asked = Instant::now();
    for _ in 0..100 {
        let refused = bus.publish(SOURCE, stream, 1, &events(1..=1)).await;
        assert!(matches!(refused, Err(BusError::Unreachable(_))), "{refused:?}");
    }
    assert!(bus.reader(stream, "g", "a").await.is_err());
    assert!(asked.elapsed() < Duration::from_millis(1_500), "{:?}", asked.elapsed());
    server.restart().expect("restart");
    let back = async || bus.ping().await.is_ok();
    testkit::wait::until(Duration::from_secs(2), "the bus", back).await;

    let mut reader = bus.reader(stream, "g", "a").await.expect("reader");
    server.pause();
    let asked = Instant::now();
    assert!(bus.ping().await.is_err());
    assert!(asked.elapsed() < Duration::from_millis(900), "{:?}", asked.elapsed());
    for _ in 0..100 {
        assert!(bus.ping().await.is_err());
    }
    assert!(asked.elapsed() < Duration::from_millis(1_500), "{:?}", asked.elapsed());
    assert!(reader.next(1, WAIT).await.is_err(), "a reader notices, too");
    assert!(asked.elapsed() < Duration::from_secs(4));
    server.resume();
    testkit::wait::until(Duration::from_secs(2), "the bus", back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_says_when_it_may_have_missed_something() {
    let mut server = Redis::start(Persistence::None).expect("Redis");
    let (bus, streams) = bus(&server.url());
    let mut watcher = bus.watch(std::slice::from_ref(&streams.booking));
    let soon = Duration::from_secs(5);
    let mut next = async || tokio::time::timeout(soon, watcher.next()).await.expect("news");
    assert!(matches!(next().await, WatchNews::Lost), "nobody knows what was before");
    bus.publish(SOURCE, &streams.booking, 1, &events(1..=1)).await.expect("publish");
    assert!(matches!(next().await, WatchNews::Event(_)));
    server.kill();
    for _ in 0..3 {
        assert!(matches!(next().await, WatchNews::Lost), "again and again");
    }
    server.restart().expect("restart");
    testkit::wait::until(soon, "the bus", async || bus.ping().await.is_ok()).await;
    // Once more, when it is back; then events again.
    bus.publish(SOURCE, &streams.booking, 2, &events(2..=2)).await.expect("publish");
    while let WatchNews::Lost = next().await {
        let last = bus.last(SOURCE).await.unwrap_or(2);
        bus.publish(SOURCE, &streams.booking, 2, &events(last + 1..=last + 1)).await.expect("sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trimming_keeps_what_a_group_still_needs() {
    let (bus, streams) = bus(shared::shared());
    let stream = streams.booking.as_str();
    // Old entries: 2001, 2033.
    for old in ["1000000000000-1", "2000000000000-1"] {
        let _: Option<String> =
            ask(shared::shared(), &["XADD", stream, old, "event_type", "x"]).await;
    }
    let day = Duration::from_hours(24);
    assert_eq!(bus.trim(&streams.directory, day).await.expect("no stream"), 0);
    let _: String = ask(shared::shared(), &["XGROUP", "CREATE", stream, "slow", "0"]).await;
    let long = Duration::from_hours(20 * 365 * 24);
    assert_eq!(bus.trim(stream, long).await.expect("trim"), 0, "unread, and not twice as old");
    let _: String = ask(shared::shared(), &["XGROUP", "SETID", stream, "slow", "$"]).await;
    assert_eq!(bus.trim(stream, long).await.expect("trim"), 1);
    assert_eq!(bus.trim(stream, long).await.expect("trim"), 0);
}
