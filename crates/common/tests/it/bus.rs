//! What every bus promises.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::streams::{Delivery, EventBus, GroupReader, MemoryBus, RedisBus, Streams, WatchNews};
use testkit::servers::redis;

use crate::support::{SOURCE, event, events, streams};

const SOON: Duration = Duration::from_secs(3);
const IDLE: Duration = Duration::from_millis(100);

fn buses() -> Vec<(Arc<dyn EventBus>, Streams)> {
    let (first, second) = (streams(), streams());
    let redis = RedisBus::connect(redis::shared(), second.clone()).expect("a URL");
    vec![
        (Arc::new(MemoryBus::new().claim_after(IDLE)), first),
        (Arc::new(redis.claim_after(IDLE)), second),
    ]
}

fn positions(deliveries: &[Delivery]) -> Vec<i64> {
    deliveries.iter().map(|delivery| delivery.event.metadata.position).collect()
}

async fn read(reader: &mut Box<dyn GroupReader>, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    let deadline = Instant::now() + SOON;
    while taken.len() < count && Instant::now() < deadline {
        taken.extend(reader.next(count, IDLE).await.expect("read"));
    }
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_appended_once_and_without_gaps() {
    for (bus, streams) in buses() {
        let stream = &streams.booking;
        assert_eq!(bus.last(SOURCE).await.expect("last"), 0);
        let publish = async |floor, batch: &[_]| {
            bus.publish(SOURCE, stream, floor, batch).await.expect("publish")
        };
        assert_eq!(publish(1, &events(1..=3)).await, 3);
        assert_eq!(publish(1, &events(2..=5)).await, 5, "2 and 3 are there already");
        assert_eq!(publish(1, &events(8..=9)).await, 5, "6 is missing");
        assert_eq!(publish(1, &events(1..=5)).await, 5);
        assert_eq!(publish(8, &events(8..=9)).await, 9, "6 and 7 exist no longer");
        assert_eq!(bus.last(SOURCE).await.expect("last"), 9);
        let mut reader = bus.reader(stream, "g", "a").await.expect("reader");
        let taken = read(&mut reader, 7).await;
        assert_eq!(positions(&taken), [1, 2, 3, 4, 5, 8, 9]);
        bus.ping().await.expect("ping");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_arrives_as_it_was_sent() {
    for (bus, streams) in buses() {
        let sent = event(1);
        bus.publish(SOURCE, &streams.booking, 1, std::slice::from_ref(&sent)).await.expect("sent");
        let mut reader = bus.reader(&streams.booking, "g", "a").await.expect("reader");
        assert_eq!(read(&mut reader, 1).await[0].event, sent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_share_and_groups_do_not() {
    for (bus, streams) in buses() {
        let stream = &streams.booking;
        bus.publish(SOURCE, stream, 1, &events(1..=10)).await.expect("publish");
        let mut a = bus.reader(stream, "g", "a").await.expect("reader");
        let mut b = bus.reader(stream, "g", "b").await.expect("reader");
        let first = positions(&a.next(4, IDLE).await.expect("read"));
        let second = positions(&b.next(100, IDLE).await.expect("read"));
        assert_eq!([first, second].concat(), (1..=10).collect::<Vec<_>>());
        let mut other = bus.reader(stream, "h", "a").await.expect("reader");
        assert_eq!(read(&mut other, 10).await.len(), 10, "a new group begins at the beginning");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_acknowledged_goes_to_another_member() {
    for (bus, streams) in buses() {
        let stream = &streams.booking;
        bus.publish(SOURCE, stream, 1, &events(1..=4)).await.expect("publish");
        let mut a = bus.reader(stream, "g", "a").await.expect("reader");
        let taken = read(&mut a, 4).await;
        a.ack(&[taken[0].id.clone(), taken[2].id.clone()]).await.expect("ack");
        drop(a);
        let mut b = bus.reader(stream, "g", "b").await.expect("reader");
        let claimed = read(&mut b, 2).await;
        assert_eq!(positions(&claimed), [2, 4]);
        assert!(claimed.iter().all(|delivery| delivery.again));
        let ids: Vec<String> = claimed.into_iter().map(|delivery| delivery.id).collect();
        b.ack(&ids).await.expect("ack");
        assert!(b.next(10, IDLE * 3).await.expect("read").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_reader_wakes_at_once() {
    for (bus, streams) in buses() {
        let stream = &streams.booking;
        let mut reader = bus.reader(stream, "g", "a").await.expect("reader");
        assert!(reader.next(1, IDLE).await.expect("read").is_empty());
        let mut worst = Duration::ZERO;
        for position in 1..=20 {
            let publish = async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                let sent = Instant::now();
                bus.publish(SOURCE, stream, 1, &[event(position)]).await.expect("publish");
                sent
            };
            let (sent, taken) = tokio::join!(publish, reader.next(1, SOON));
            let taken = taken.expect("read");
            worst = worst.max(sent.elapsed());
            reader.ack(&[taken[0].id.clone()]).await.expect("ack");
        }
        assert!(worst < Duration::from_millis(500), "{worst:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_watcher_sees_everything_even_when_its_wait_is_cut_short() {
    for (bus, streams) in buses() {
        let names = [streams.booking.clone()];
        let mut watchers = [bus.watch(&names), bus.watch(&names)];
        // Until it is connected: what comes before may be lost, and that is said.
        for watcher in &mut watchers {
            let _ = tokio::time::timeout(IDLE * 3, watcher.next()).await;
        }
        let publish = async {
            for position in 1..=50 {
                bus.publish(SOURCE, &streams.booking, 1, &[event(position)]).await.expect("sent");
            }
        };
        let mut other = events(1..=1);
        other[0].metadata.source = contracts::Service::User;
        let user = contracts::Service::User;
        bus.publish(user, &streams.directory, 1, &other).await.expect("publish");
        let watch = async {
            for watcher in &mut watchers {
                let mut seen = HashSet::new();
                let deadline = Instant::now() + SOON;
                while seen.len() < 50 && Instant::now() < deadline {
                    match tokio::time::timeout(Duration::from_millis(1), watcher.next()).await {
                        Ok(WatchNews::Event(event)) => {
                            assert_eq!(event.metadata.source, SOURCE, "another stream");
                            assert!(seen.insert(event.metadata.position), "seen twice");
                        }
                        Ok(WatchNews::Lost) | Err(_) => {}
                    }
                }
                assert_eq!(seen.len(), 50);
            }
        };
        tokio::join!(publish, watch);
    }
}
