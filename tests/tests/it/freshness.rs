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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn availability_is_right_within_fifty_milliseconds() {
    let _alone = alone().await;
    let cluster = Cluster::start(Options::default()).await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    // Warm: settings, resource, user, availability.
    world.availability(&api, DAY).await.expect(200);
    let mut fresh = Freshness { world, api, booked: Vec::new(), free: (0..SLOTS).collect() };
    let (mut until_right, mut late_reads, mut late_wrong) = (Spread::default(), 0_u32, 0_u32);
    let mut reads = Spread::default();
    for step in 0..CHANGES {
        fresh.change(step).await;
        let changed = Instant::now();
        let expected = fresh.expected();
        let mut right_after = None;
        loop {
            let began = changed.elapsed();
            if began >= WATCHED && right_after.is_some() {
                break;
            }
            assert!(began < Duration::from_secs(10), "change {step} is never seen");
            let reply = fresh.world.availability(&fresh.api, DAY).await.expect(200);
            reads.add(reply.took);
            let right = free(&reply) == expected;
            if right {
                right_after.get_or_insert(changed.elapsed());
            } else if let Some(seen) = right_after {
                panic!("change {step}: right after {seen:?}, wrong again after {began:?}");
            }
            if began >= LIMIT {
                late_reads += 1;
                late_wrong += u32::from(!right);
            }
        }
        until_right.add(right_after.unwrap());
    }
    tell(&format!("freshness: {CHANGES} changes, right after: {until_right}"));
    tell(&format!(
        "freshness: of {late_reads} reads ≥ 50 ms after a change {late_wrong} were wrong; reads: {reads}"
    ));
    assert!(late_reads >= 1_000, "only {late_reads} reads");
    assert!(late_wrong * 100 <= late_reads, "{late_wrong} of {late_reads} reads were wrong");
    let sql = cluster.sql(Service::Booking).await;
    fresh.world.assert_availability(&fresh.api, &sql, &[DAY]).await;
    cluster.assert_no_errors();
}

impl Freshness {
    /// The free slots after all changes so far.
    fn expected(&self) -> BTreeSet<DateTime<Utc>> {
        self.free.iter().map(|index| Slot::of(DAY, *index).start).collect()
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
