//! Writers that go on whatever happens to the platform, and a ledger of what they were told.

use crate::api::{Api, Reply};
use crate::figures::Spread;
use crate::world::{SLOTS, Slot, World};
use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use testkit::wait::until;
use tokio::task::JoinSet;

/// The days the writers write on.
pub(crate) const DAYS: std::ops::Range<u64> = 2..10;
/// The most one writer does.
const MOST: usize = 4_000;

/// How long a writer holds back after a failure.
const BACK_OFF: Duration = Duration::from_millis(25);

/// What the client was told of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done.
    Ok,
    /// Refused, with this status: nothing may have happened.
    Refused(u16),
    /// No answer, or the gateway's word that there was none: all or nothing.
    Unknown,
}

/// A booking as its writer believes it to be.
#[derive(Debug, Clone)]
pub(crate) struct Believed {
    pub(crate) tag: String,
    /// Known once its making was acknowledged.
    pub(crate) id: Option<String>,
    /// Where it may be.
    slots: Vec<Slot>,
    /// In which states it may be.
    states: Vec<&'static str>,
    /// Whether an operation on it ended without an answer.
    pub(crate) doubtful: bool,
}

/// What writers did and were told.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) worlds: Vec<World>,
    pub(crate) bookings: Vec<Believed>,
    /// Every operation: when it began, how long it took, what came of it.
    pub(crate) operations: Vec<(Instant, Duration, Outcome)>,
}

/// How many operations there were so far.
#[derive(Debug, Default)]
struct Tally {
    ok: AtomicUsize,
    failed: AtomicUsize,
}

/// Writers at work.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<Tally>,
    writers: JoinSet<Ledger>,
}

impl Load {
    /// Starts writers, each with a resource of its own, so that none stands in another's way.
    pub(crate) async fn start(api: &Api, world: &World, writers: usize, seed: u64) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::<Tally>::default());
        let mut tasks = JoinSet::new();
        let mut random = StdRng::seed_from_u64(seed);
        let mut hands = Vec::new();
        for number in 0..writers {
            let world = world.of_resource(&world.another_resource(api).await);
            let random = StdRng::seed_from_u64(random.random());
            hands.push(Writer::new(api.clone(), world, number, random));
        }
        for hand in hands {
            let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
            tasks.spawn(async move { hand.work(&stop, &done).await });
        }
        Self { stop, done, writers: tasks }
    }

    /// Waits until so many operations more have succeeded.
    pub(crate) async fn more(&self, count: usize) {
        self.wait(&self.done.ok, count, "the writers get on").await;
    }

    /// Waits until so many operations more have failed.
    pub(crate) async fn failures(&self, count: usize) {
        self.wait(&self.done.failed, count, "the writers notice").await;
    }

    async fn wait(&self, counter: &AtomicUsize, count: usize, what: &str) {
        let target = counter.load(Ordering::SeqCst) + count;
        let reached = async || counter.load(Ordering::SeqCst) >= target;
        until(Duration::from_mins(1), what, reached).await;
    }

    /// Lets them work for a while.
    pub(crate) async fn work_for(&self, time: Duration) {
        let began = Instant::now();
        let limit = time + Duration::from_secs(1);
        until(limit, "time passes", async || began.elapsed() >= time).await;
    }

    /// Lets everyone finish what is under way.
    pub(crate) async fn stop(self) -> Ledger {
        self.stop.store(true, Ordering::SeqCst);
        let mut whole = Ledger::default();
        for ledger in self.writers.join_all().await {
            whole.worlds.extend(ledger.worlds);
            whole.bookings.extend(ledger.bookings);
            whole.operations.extend(ledger.operations);
        }
        whole
    }
}

struct Writer {
    api: Api,
    number: usize,
    random: StdRng,
    free: Vec<Slot>,
    ledger: Ledger,
}

impl Writer {
    fn new(api: Api, world: World, number: usize, random: StdRng) -> Self {
        let free = DAYS.flat_map(|day| (0..SLOTS).map(move |index| Slot::of(day, index)));
        let ledger = Ledger { worlds: vec![world], ..Ledger::default() };
        Self { api, number, random, free: free.collect(), ledger }
    }

    async fn work(mut self, stop: &AtomicBool, done: &Tally) -> Ledger {
        let mut back_off = tokio::time::interval(BACK_OFF);
        for _ in 0..MOST {
            if stop.load(Ordering::SeqCst) {
                break;
            }
            let active: Vec<usize> = (0..self.ledger.bookings.len())
                .filter(|at| self.ledger.bookings[*at].is_active())
                .collect();
            let at = active.get(self.random.random_range(0..active.len().max(1))).copied();
            match (at, self.random.random_range(0..10)) {
                (Some(at), 0..3) => self.cancel(at).await,
                (Some(at), 3..5) => self.shift(at).await,
                _ => self.book().await,
            }
            let last = self.ledger.operations.last().map(|(_, _, outcome)| *outcome);
            if last == Some(Outcome::Ok) {
                done.ok.fetch_add(1, Ordering::SeqCst);
            } else {
                done.failed.fetch_add(1, Ordering::SeqCst);
                // As a client does: not again at once.
                back_off.reset();
                back_off.tick().await;
            }
        }
        self.ledger
    }

    fn some_slot(&mut self) -> Slot {
        let at = self.random.random_range(0..self.free.len());
        self.free.swap_remove(at)
    }

    async fn book(&mut self) {
        let (slot, number) = (self.some_slot(), self.ledger.bookings.len());
        let tag = format!("w{}-{number}", self.number);
        let mut body = self.ledger.worlds[0].booking(slot);
        body["notes"] = tag.clone().into();
        let (outcome, reply) = self.send(Method::POST, "/bookings/", body).await;
        if matches!(outcome, Outcome::Refused(status) if status < 500) {
            self.free.push(slot);
            return;
        }
        let id = reply.filter(|reply| reply.status == 201).map(|reply| reply.id());
        let doubtful = outcome != Outcome::Ok;
        let (slots, states) = (vec![slot], vec!["pendente"]);
        self.ledger.bookings.push(Believed { tag, id, slots, states, doubtful });
    }

    async fn cancel(&mut self, at: usize) {
        let path = format!("/bookings/{}/cancel", self.id(at));
        let (outcome, _) = self.send(Method::PATCH, &path, json!({})).await;
        let booking = &mut self.ledger.bookings[at];
        match outcome {
            Outcome::Ok => {
                booking.states = vec!["cancelado"];
                self.free.push(booking.slots[0]);
            }
            Outcome::Refused(status) if status < 500 => {}
            Outcome::Refused(_) | Outcome::Unknown => {
                booking.states.push("cancelado");
                booking.doubtful = true;
            }
        }
    }

    async fn shift(&mut self, at: usize) {
        let slot = self.some_slot();
        let body = json!({ "start_time": slot.start_text(), "end_time": slot.end_text() });
        let path = format!("/bookings/{}", self.id(at));
        let (outcome, _) = self.send(Method::PUT, &path, body).await;
        let booking = &mut self.ledger.bookings[at];
        match outcome {
            Outcome::Ok => {
                self.free.push(booking.slots[0]);
                booking.slots = vec![slot];
            }
            Outcome::Refused(status) if status < 500 => self.free.push(slot),
            Outcome::Refused(_) | Outcome::Unknown => {
                booking.slots.push(slot);
                booking.doubtful = true;
            }
        }
    }

    fn id(&self, at: usize) -> String {
        self.ledger.bookings[at].id.clone().unwrap_or_default()
    }

    async fn send(&mut self, method: Method, path: &str, body: Value) -> (Outcome, Option<Reply>) {
        let began = Instant::now();
        let reply = self.api.attempt(method, path, &body).await.ok();
        let outcome = match reply.as_ref().map(|reply| reply.status) {
            Some(200 | 201) => Outcome::Ok,
            None | Some(502 | 504) => Outcome::Unknown,
            Some(status) => Outcome::Refused(status),
        };
        if let Some(reply) = reply.as_ref().filter(|reply| reply.status >= 400) {
            // Whatever is refused is refused in the contract's shape.
            reply.error();
        }
        self.ledger.operations.push((began, began.elapsed(), outcome));
        (outcome, reply)
    }
}

impl Believed {
    fn is_active(&self) -> bool {
        self.id.is_some() && !self.doubtful && self.states == ["pendente"]
    }
}

impl Ledger {
    /// How many operations ended so.
    pub(crate) fn count(&self, wanted: impl Fn(Outcome) -> bool) -> usize {
        self.operations.iter().filter(|(_, _, outcome)| wanted(*outcome)).count()
    }

    /// Accepted changes.
    pub(crate) fn accepted(&self) -> usize {
        self.count(|outcome| outcome == Outcome::Ok)
    }

    /// How long the operations took that began between two moments.
    pub(crate) fn latencies(&self, from: Instant, to: Instant) -> Spread {
        let mut spread = Spread::default();
        let within = |began: &Instant| *began >= from && *began < to;
        let inside = self.operations.iter().filter(|(began, _, _)| within(began));
        inside.for_each(|(_, took, _)| spread.add(*took));
        spread
    }

    /// Everything acknowledged is there with its content; what nobody answered for is there whole
    /// or not at all; nothing else is there. Returns how many doubtful bookings exist.
    pub(crate) async fn judge(&self, api: &Api) -> usize {
        let mut stored: BTreeMap<String, Value> = BTreeMap::new();
        for world in &self.worlds {
            for booking in all_of(api, world).await {
                let tag = booking["notes"].as_str().unwrap_or_default().to_owned();
                let twin = stored.insert(tag, booking);
                assert!(twin.is_none(), "stored twice: {twin:?}");
            }
        }
        let mut doubtful = 0;
        for believed in &self.bookings {
            let Some(booking) = stored.remove(&believed.tag) else {
                assert!(believed.id.is_none(), "lost: {believed:?}");
                continue;
            };
            doubtful += usize::from(believed.id.is_none());
            assert!(
                believed.states.iter().any(|state| booking["status"] == *state)
                    && believed.slots.iter().any(|slot| is_at(&booking, *slot)),
                "{believed:?} is {booking}"
            );
        }
        assert!(stored.is_empty(), "refused, and there all the same: {stored:?}");
        doubtful
    }
}

fn is_at(booking: &Value, slot: Slot) -> bool {
    let at = |field: &str| booking[field].as_str().and_then(|text| text.parse().ok());
    at("start_time") == Some(slot.start) && at("end_time") == Some(slot.end())
}

/// Every booking of a resource, page by page.
pub(crate) async fn all_of(api: &Api, world: &World) -> Vec<Value> {
    let mut path =
        format!("/bookings/?tenant_id={}&resource_id={}&limit=200", world.tenant, world.resource);
    let mut found = Vec::new();
    for _ in 0..100 {
        let page = api.get(&path).await.expect(200);
        found.extend(page.body.as_array().unwrap().iter().cloned());
        let Some((link, _)) = page.header("link").split_once('>') else { return found };
        let link = link.trim_start_matches('<');
        path =
            link.strip_prefix(api.base()).unwrap_or_else(|| panic!("a link to {link}")).to_owned();
    }
    panic!("more than a hundred pages")
}

/// The free slots of a day as they follow from the list of bookings.
pub(crate) async fn free_by_list(api: &Api, world: &World, day: u64) -> BTreeSet<DateTime<Utc>> {
    let mut free: BTreeSet<_> = (0..SLOTS).map(|index| Slot::of(day, index).start).collect();
    for booking in all_of(api, world).await {
        if matches!(booking["status"].as_str(), Some("pendente" | "confirmado")) {
            let start = booking["start_time"].as_str().and_then(|text| text.parse().ok());
            free.remove(&start.unwrap());
        }
    }
    free
}
