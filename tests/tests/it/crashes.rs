//! Laws 10 and 15 after random crash points: services are killed wherever the dice say, under bookings,
//! holds, moves and cancellations of shared and exclusive rooms. At rest the search finds what the listed
//! bookings leave free, and the counters of the database are the sums over its bookings.

use crate::api::Api;
use crate::cluster::{Cluster, Options};
use crate::figures::{beside_others, seed, tell};
use crate::load::all_of;
use crate::world::{Slot, World, category, resource};
use chrono::{DateTime, Utc};
use contracts::Service;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use testkit::dice::Dice;
use testkit::servers::ServiceProcess;
use testkit::wait::until;
use tokio::task::JoinSet;

/// Places of a shared room.
const PLACES: u64 = 3;
const WRITERS: u64 = 4;
/// The day on which everything happens.
const DAY: u64 = 3;
/// Quarters of an hour that writers want: few, so that they meet.
const QUARTERS: u64 = 40;
/// Starts that one search tells of a room at most.
const TOLD: u64 = 20;
const KILLS: usize = 5;
/// The most one writer does.
const MOST: usize = 2_000;

#[derive(Debug, Default)]
struct Tally {
    stop: AtomicBool,
    answered: AtomicUsize,
    unanswered: AtomicUsize,
}

/// Somebody who goes on whatever happens.
struct Writer {
    api: Api,
    world: World,
    rooms: Vec<String>,
    dice: Dice,
    made: Vec<String>,
    /// Paths that confirm holds, and with what.
    held: Vec<(String, Value)>,
    tally: Arc<Tally>,
}

impl Writer {
    fn span(&mut self) -> (Slot, String) {
        let at = usize::try_from(self.dice.roll(QUARTERS)).unwrap();
        let length = 1 + self.dice.roll(3).cast_signed();
        (Slot::of(DAY, at).long(length), self.dice.one(&self.rooms).clone())
    }

    fn request(&mut self) -> (Method, String, Value) {
        let (slot, room) = self.span();
        let mut body = self.world.of_resource(&room).booking(slot);
        body["quantity"] = json!(1 + self.dice.roll(2));
        let some = self.dice.pick(&self.made).cloned();
        match (self.dice.roll(10), some) {
            (0..=1, Some(id)) => (Method::PATCH, format!("/bookings/{id}/cancel"), Value::Null),
            (2..=4, Some(id)) => {
                let to = json!({
                    "resource_id": room, "start_time": slot.start_text(), "end_time": slot.end_text(),
                });
                (Method::PUT, format!("/bookings/{id}"), to)
            }
            (5, _) if !self.held.is_empty() => {
                let (path, token) = self.held.remove(0);
                (Method::POST, path, token)
            }
            (5..=6, _) => (Method::POST, "/bookings/holds".to_owned(), body),
            _ => (Method::POST, "/bookings/".to_owned(), body),
        }
    }

    async fn work(mut self) {
        // As a client does after a failure: not again at once.
        let mut back_off = tokio::time::interval(Duration::from_millis(25));
        for _ in 0..MOST {
            if self.tally.stop.load(Ordering::SeqCst) {
                return;
            }
            let (method, path, body) = self.request();
            let reply = self.api.attempt(method, &path, &body).await.ok();
            let answered = reply.filter(|reply| !matches!(reply.status, 502..=504));
            let Some(reply) = answered else {
                self.tally.unanswered.fetch_add(1, Ordering::SeqCst);
                back_off.reset();
                back_off.tick().await;
                continue;
            };
            assert_ne!(reply.status, 500, "{}: {}", reply.asked, reply.body);
            self.tally.answered.fetch_add(1, Ordering::SeqCst);
            if let Some(token) = reply.body.get("hold_token") {
                let path = format!("/bookings/holds/{}/confirm", reply.id());
                self.held.push((path, json!({ "hold_token": token })));
            }
            if reply.status == 201 {
                self.made.push(reply.id());
            }
        }
    }
}

/// Two shared rooms and two exclusive ones.
async fn furnish(api: &Api, world: &World) -> BTreeMap<String, u64> {
    let mut shared = category(&world.tenant);
    shared["category_metadata"] = json!({ "allows_multiple_bookings": true });
    let shared = api.post("/categories/", shared).await.expect(201).id();
    let mut rooms = BTreeMap::from([(world.resource.clone(), 1)]);
    rooms.insert(world.another_resource(api).await, 1);
    for _ in 0..2 {
        let mut room = resource(&world.tenant, &shared);
        room["capacity"] = json!(PLACES);
        rooms.insert(api.post("/resources/", room).await.expect(201).id(), PLACES);
    }
    rooms
}

/// The quarters of a room that are left by the bookings that are listed, tried one by one.
async fn left(api: &Api, world: &World, room: &str, places: u64) -> BTreeSet<DateTime<Utc>> {
    let mut taken: Vec<(DateTime<Utc>, DateTime<Utc>, u64)> = Vec::new();
    for booking in all_of(api, &world.of_resource(room)).await {
        let status = booking["status"].as_str().unwrap_or_default();
        // Holds live for ten minutes; the test does not.
        if matches!(status, "pendente" | "confirmado" | "reservado") {
            let at = |field: &str| booking[field].as_str().unwrap().parse().unwrap();
            let quantity = if places == 1 { 1 } else { booking["quantity"].as_u64().unwrap() };
            taken.push((at("start_time"), at("end_time"), quantity));
        }
    }
    let free = |slot: &Slot| {
        let there = taken.iter().filter(|(start, end, _)| *start < slot.end() && slot.start < *end);
        let used: u64 = there.map(|(_, _, quantity)| quantity).sum();
        assert!(used <= places, "law 1: {used} of {places} in {room} at {}", slot.start);
        used < places
    };
    let slots = (0..QUARTERS).map(|index| Slot::of(DAY, usize::try_from(index).unwrap()));
    slots.filter(free).map(|slot| slot.start).collect()
}

/// The starts that searches tell of each room, among the quarters that may be left.
async fn found(api: &Api, world: &World) -> Option<BTreeMap<String, BTreeSet<DateTime<Utc>>>> {
    let mut all = BTreeMap::<_, BTreeSet<_>>::new();
    for part in 0..QUARTERS / TOLD {
        let edge = |number| {
            let slot = Slot::of(DAY, usize::try_from(number).unwrap_or_default());
            slot.start.format("%Y-%m-%dT%H:%M:%SZ").to_string()
        };
        let (from, to) = (edge(part * TOLD), edge((part + 1) * TOLD));
        let path = format!(
            "/availability/?tenant_id={}&from={from}&to={to}&starts_per_resource={TOLD}",
            world.tenant
        );
        let reply = api.attempt(Method::GET, &path, &Value::Null).await.ok()?;
        for row in reply.body["resources"].as_array()? {
            let starts = row["starts"].as_array()?.iter();
            let time = |slot: &Value| slot["start_time"].as_str()?.parse::<DateTime<Utc>>().ok();
            let starts = starts.map(|slot| time(slot).expect("a start with offset"));
            all.entry(row["resource_id"].as_str()?.to_owned()).or_default().extend(starts);
        }
    }
    Some(all)
}

/// Edges of counters and of bookings at which the two differ.
const DIFFERENT: &str = "WITH edge AS (
    SELECT resource_id, starts_at AS at FROM capacity_usage
    UNION SELECT resource_id, ends_at FROM capacity_usage
    UNION SELECT resource_id, claim_start FROM booking WHERE NOT exclusive
    UNION SELECT resource_id, claim_end FROM booking WHERE NOT exclusive)
  SELECT count(*) FROM edge WHERE
    (SELECT coalesce(sum(used), 0) FROM capacity_usage u WHERE u.resource_id = edge.resource_id
      AND u.starts_at <= edge.at AND edge.at < u.ends_at)
    <> (SELECT coalesce(sum(quantity), 0) FROM booking b WHERE b.resource_id = edge.resource_id
      AND NOT b.exclusive AND b.status IN ('reservado','pendente','confirmado')
      AND b.claim_start <= edge.at AND edge.at < b.claim_end)";

async fn reaches(counter: &AtomicUsize, more: u64) {
    let target = counter.load(Ordering::SeqCst) + usize::try_from(more).unwrap();
    until(Duration::from_mins(1), "the writers get on", async || {
        counter.load(Ordering::SeqCst) >= target
    })
    .await;
}

/// Kills somebody after a while and starts them again after another.
async fn kill_at_random(cluster: &mut Cluster, dice: &mut Dice, tally: &Tally) -> usize {
    let mut resource = 0;
    for _ in 0..KILLS {
        reaches(&tally.answered, 5 + dice.roll(40)).await;
        let victim: &mut ServiceProcess = match dice.roll(3) {
            0 => {
                resource += 1;
                &mut cluster.resource
            }
            1 => &mut cluster.bookings[0],
            _ => &mut cluster.bookings[1],
        };
        victim.kill();
        // The other replica goes on, and so does the booking service without the resource service.
        reaches(&tally.answered, dice.roll(20)).await;
        tokio::task::block_in_place(|| victim.restart()).expect("a service");
    }
    resource
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_random_crashes_searches_and_counters_are_what_is_stored() {
    let _beside = beside_others().await;
    let mut dice = Dice::new(seed("crashes"));
    let mut cluster = Cluster::start(Options { bookings: 2, ..Options::default() }).await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    let rooms = furnish(&api, &world).await;
    // What the index knows before is what events have to keep up with.
    let began = Instant::now();
    assert_eq!(found(&api, &world).await.unwrap().len(), rooms.len());
    let (tally, mut writers) = (Arc::<Tally>::default(), JoinSet::new());
    for number in 0..WRITERS {
        let mut person = crate::world::person(&world.tenant, "user");
        person["name"] = json!(format!("Escritor {number}"));
        let world =
            World { user: api.post("/users/", person).await.expect(201).id(), ..world.clone() };
        let writer = Writer {
            api: api.clone(),
            world,
            rooms: rooms.keys().cloned().collect(),
            dice: Dice::of(dice.roll(u64::MAX), number),
            made: Vec::new(),
            held: Vec::new(),
            tally: Arc::clone(&tally),
        };
        writers.spawn(writer.work());
    }
    let of_resource = kill_at_random(&mut cluster, &mut dice, &tally).await;
    reaches(&tally.answered, 20).await;
    tally.stop.store(true, Ordering::SeqCst);
    writers.join_all().await;
    cluster.gateway_is_well().await;
    cluster.settled(Duration::from_secs(30)).await;
    let mut expected = BTreeMap::new();
    for (room, places) in &rooms {
        let free = left(&api, &world, room, *places).await;
        if !free.is_empty() {
            expected.insert(room.clone(), free);
        }
    }
    let mut last = None;
    until(Duration::from_secs(10), "law 10: the search finds what is left", async || {
        last = found(&api, &world).await;
        last.as_ref() == Some(&expected)
    })
    .await;
    let sql = cluster.sql(Service::Booking).await;
    sql.assert_bookings_match_outbox().await;
    assert_eq!(sql.number(DIFFERENT).await, 0, "law 15: counters that are no sums");
    let counted = sql.number("SELECT count(*) FROM capacity_usage").await;
    assert!(counted > 5, "hardly anything is counted: {counted}");
    let answered = tally.answered.load(Ordering::SeqCst);
    let unanswered = tally.unanswered.load(Ordering::SeqCst);
    tell(&format!(
        "crashes: {KILLS} × kill -9 ({of_resource} of the resource service) at random under {answered} \
         operations, {unanswered} without an answer; {:?}",
        began.elapsed()
    ));
    cluster.assert_no_errors();
}
