//! How soon availability is right after a change, with everything in between: gateway, Postgres,
//! outbox, relay, Redis, the resource service's caches.

use crate::api::Api;
use crate::cluster::{Cluster, Options};
use crate::figures::{Spread, alone, tell};
use crate::world::{SLOTS, Slot, World, free};
use chrono::{DateTime, Utc};
use contracts::Service;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use testkit::wait::until;

const CHANGES: usize = 220;
/// Later than this after a change availability shall be right.
const LIMIT: Duration = Duration::from_millis(50);
/// So long after a change it is read again and again.
const WATCHED: Duration = Duration::from_millis(90);
const DAY: u64 = 7;

/// What is known of a booking of the test.
struct Booked {
    id: String,
    index: usize,
}

struct Freshness {
    world: World,
    api: Api,
    booked: Vec<Booked>,
    free: BTreeSet<usize>,
}

/// What one round of changes showed.
#[derive(Default)]
struct Measured {
    until_right: Spread,
    reads: Spread,
    late: u32,
    late_wrong: u32,
}

impl Measured {
    fn is_good(&self) -> bool {
        self.late_wrong * 100 <= self.late
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn availability_is_right_within_fifty_milliseconds() {
    let _alone = alone().await;
    let cluster = Cluster::start(Options::default()).await;
    let mut measured = Vec::new();
    // Somebody else may need the machine just now: the best of three counts.
    while measured.len() < 3 && !measured.last().is_some_and(Measured::is_good) {
        let found = measure(&cluster).await;
        let Measured { until_right, reads, late, late_wrong } = &found;
        tell(&format!("freshness: {CHANGES} changes, right after: {until_right}"));
        tell(&format!("freshness: of {late} reads ≥ 50 ms after a change {late_wrong} were wrong"));
        tell(&format!("freshness: availability reads while bookings change: {reads}"));
        assert!(*late >= 500, "only {late} reads");
        measured.push(found);
    }
    assert!(
        measured.last().is_some_and(Measured::is_good),
        "more than 1 % of late reads were wrong"
    );
    cluster.assert_no_errors();
}

async fn measure(cluster: &Cluster) -> Measured {
    let api = cluster.api();
    let world = World::dense(&api).await;
    // Warm: settings, resource, user, availability.
    world.availability(&api, DAY).await.expect(200);
    let mut fresh = Freshness { world, api, booked: Vec::new(), free: (0..SLOTS).collect() };
    let mut measured = Measured::default();
    for step in 0..CHANGES {
        fresh.change(step).await;
        fresh.watch(step, &mut measured).await;
    }
    let sql = cluster.sql(Service::Booking).await;
    fresh.world.assert_availability(&fresh.api, &sql, &[DAY]).await;
    measured
}

impl Freshness {
    /// The free slots after all changes so far.
    fn expected(&self) -> BTreeSet<DateTime<Utc>> {
        self.free.iter().map(|index| Slot::of(DAY, *index).start).collect()
    }

    /// Reads from the moment of a change on, first at once, then as often as a person could click.
    async fn watch(&self, step: usize, measured: &mut Measured) {
        let changed = Instant::now();
        let expected = self.expected();
        let mut right_after = None;
        until(Duration::from_secs(10), "the change is seen", async || {
            let began = changed.elapsed();
            let reply = self.world.availability(&self.api, DAY).await.expect(200);
            measured.reads.add(reply.took);
            let right = free(&reply) == expected;
            if right {
                right_after.get_or_insert(changed.elapsed());
            } else if let Some(seen) = right_after {
                panic!("change {step}: right after {seen:?}, wrong again after {began:?}");
            }
            if began >= LIMIT {
                measured.late += 1;
                measured.late_wrong += u32::from(!right);
            }
            began >= WATCHED && right_after.is_some()
        })
        .await;
        measured.until_right.add(right_after.unwrap());
    }

    fn take(&mut self, at: usize) -> usize {
        let index = *self.free.iter().nth(at % self.free.len()).unwrap();
        self.free.remove(&index);
        index
    }

    /// One change by turns: book, move, cancel, book, set a status.
    async fn change(&mut self, step: usize) {
        let kind = if self.booked.len() < 2 { 0 } else { step % 5 };
        match kind {
            0 | 3 => {
                let index = self.take(step * 7);
                let slot = Slot::of(DAY, index);
                let id = self.world.book(&self.api, slot).await.expect(201).id();
                self.booked.push(Booked { id, index });
            }
            1 => {
                let (index, mut booked) = (self.take(step * 5), self.booked.remove(0));
                let slot = Slot::of(DAY, index);
                let body = json!({ "start_time": slot.start_text(), "end_time": slot.end_text() });
                self.api.put(&format!("/bookings/{}", booked.id), body).await.expect(200);
                self.free.insert(std::mem::replace(&mut booked.index, index));
                self.booked.push(booked);
            }
            2 => {
                let booked = self.booked.remove(0);
                let path = format!("/bookings/{}/cancel", booked.id);
                self.api.patch(&path, json!({ "reason": "teste" })).await.expect(200);
                self.free.insert(booked.index);
            }
            _ => {
                let booked = self.booked.remove(0);
                let path = format!("/bookings/{}/status?status_param=concluido", booked.id);
                self.api.patch(&path, serde_json::Value::Null).await.expect(200);
                self.free.insert(booked.index);
            }
        }
    }
}
