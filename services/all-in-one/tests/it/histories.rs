//! Histories of 32 clients that book, hold, confirm, move and cancel on few resources at once, single
//! bookings, series and groups. The log of events is the serial order that an independent model goes through: after every
//! request that was accepted no resource is over its capacity, versions have no gaps, and what comes out
//! is what the service tells. `SEED` repeats a choice of requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use contracts::Service;
use contracts::event::Envelope;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};
use testkit::dice::{Dice, seed};
use uuid::Uuid;

use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    every_history_is_possible_in_the_order_of_its_events,
    a_move_is_a_cancellation_and_a_booking,
);

const CLIENTS: u64 = 32;
const REQUESTS: u64 = 10;
/// Places of the shared resource.
const PLACES: usize = 3;

/// The same resources for all: two that exclude, one that is shared.
struct Scene<'a> {
    app: &'a TestApp,
    w: &'a World,
    rooms: Vec<String>,
    /// Bookings that somebody has made.
    made: Mutex<Vec<String>>,
    /// Bodies that confirm a hold, by its path.
    held: Mutex<Vec<(String, Value)>>,
    /// The requests that were accepted: those that made something, and all.
    makers: Mutex<BTreeSet<String>>,
    accepted: Mutex<BTreeSet<String>>,
    statuses: Mutex<BTreeMap<u16, u32>>,
    times: Mutex<Vec<(Duration, &'static str)>>,
}

fn slot(dice: &mut Dice) -> (String, String) {
    let (day, hour) = (2 + dice.roll(3), 8 + dice.roll(6));
    let length = 1 + dice.roll(2);
    let at = |hour: u64| format!("2027-03-{day:02}T{hour:02}:00:00");
    (at(hour), at(hour + length))
}

impl Scene<'_> {
    fn note(&self, answer: &Answer) {
        let status = answer.status.as_u16();
        *self.statuses.lock().unwrap().entry(status).or_default() += 1;
        let known = matches!(status, 200 | 201 | 400 | 404 | 409 | 429 | 503);
        assert!(known, "{status} {}", answer.text);
        if status < 300 {
            let id = answer.header("x-request-id").to_owned();
            if status == 201 {
                self.makers.lock().unwrap().insert(id.clone());
            }
            self.accepted.lock().unwrap().insert(id);
        }
        if let Some(token) = answer.body.get("hold_token") {
            let path = format!("/bookings/holds/{}/confirm", answer.id());
            self.held.lock().unwrap().push((path, json!({ "hold_token": token })));
        }
        let mut made = self.made.lock().unwrap();
        let several = answer.body["bookings"].as_array().into_iter().flatten();
        for booking in several.chain(std::iter::once(&answer.body)) {
            if let (201, Some(id)) = (status, booking["id"].as_str()) {
                made.push(id.to_owned());
            }
        }
    }

    async fn request(&self, dice: &mut Dice) -> (&'static str, Answer) {
        let (ask, w) = (self.w.admin(self.app), self.w);
        let (start, end) = slot(dice);
        let mut body = w.booking(&start, &end);
        body["resource_id"] = json!(dice.pick(&self.rooms).unwrap());
        let some = { dice.pick(&self.made.lock().unwrap()).cloned() };
        let time = json!({ "start_time": start, "end_time": end });
        let scope = ["this", "this", "following", "all"][usize::try_from(dice.roll(4)).unwrap()];
        let unconfirmed = {
            let all = self.held.lock().unwrap();
            let one = dice.roll(u64::try_from(all.len()).unwrap().max(1));
            all.get(usize::try_from(one).unwrap()).cloned()
        };
        match (dice.roll(14), some) {
            (10 | 11, _) => {
                let mut hold = crate::holds::body(w, &start, &end);
                hold["resource_id"] = body["resource_id"].clone();
                ("hold", ask.post("/bookings/holds", hold).await)
            }
            (12 | 13, _) if unconfirmed.is_some() => {
                let (path, token) = unconfirmed.unwrap();
                ("confirm", ask.post(&path, token).await)
            }
            (0..=2, _) | (_, None) => ("book", ask.post("/bookings/", body).await),
            (3 | 4, _) => {
                body["rrule"] = json!("FREQ=DAILY;COUNT=3");
                body["mode"] = json!(if dice.roll(2) == 0 { "fail" } else { "skip" });
                ("series", ask.post("/bookings/series", body).await)
            }
            (5, _) => {
                let group = json!({
                    "tenant_id": w.tenant, "user_id": w.user, "start_time": start, "end_time": end,
                    "items": [{ "category_id": w.category, "count": 2 }],
                });
                ("group", ask.post("/bookings/groups", group).await)
            }
            (6 | 7, Some(id)) => {
                ("move", ask.put(&format!("/bookings/{id}?scope={scope}"), time).await)
            }
            (8, Some(id)) => {
                let other = json!({ "resource_id": body["resource_id"] });
                ("elsewhere", ask.put(&format!("/bookings/{id}?scope={scope}"), other).await)
            }
            (_, Some(id)) => {
                let path = format!("/bookings/{id}/cancel?scope={scope}");
                ("cancel", ask.patch(&path, Value::Null).await)
            }
        }
    }

    async fn client(&self, mut dice: Dice) {
        for _ in 0..REQUESTS {
            let started = Instant::now();
            let (what, answer) = self.request(&mut dice).await;
            self.times.lock().unwrap().push((started.elapsed(), what));
            self.note(&answer);
        }
    }
}

/// A booking as the events tell.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    resource: String,
    start: String,
    end: String,
    status: String,
    version: i64,
}

impl Known {
    fn takes(&self) -> bool {
        matches!(self.status.as_str(), "pendente" | "confirmado" | "reservado")
    }
}

/// What the events come to.
#[derive(Default)]
struct Model {
    bookings: BTreeMap<Uuid, Known>,
}

impl Model {
    fn apply(&mut self, event: &Envelope) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (payload, version) = (&event.payload, event.metadata.sequence);
        let id = event.metadata.aggregate_id;
        if event.event_type == "booking.created" {
            let known = Known {
                resource: text(&payload["resource_id"]),
                start: text(&payload["start_time"]),
                end: text(&payload["end_time"]),
                status: text(&payload["status"]),
                version,
            };
            assert_eq!(version, 1);
            assert!(self.bookings.insert(id, known).is_none(), "made twice");
            return;
        }
        let known = self.bookings.get_mut(&id).expect("made before it is changed");
        assert_eq!(version, known.version + 1, "no version is left out: {event:?}");
        known.version = version;
        match event.event_type.as_str() {
            "booking.cancelled" => "cancelado".clone_into(&mut known.status),
            "booking.status_changed" => known.status = text(&payload["new_status"]),
            _ => {
                let changes = payload["changes"].as_object().unwrap();
                for (field, change) in changes {
                    let new = text(&change["new"]);
                    match field.as_str() {
                        "resource_id" => known.resource = new,
                        "start_time" => known.start = new,
                        "end_time" => known.end = new,
                        "status" => known.status = new,
                        _ => {}
                    }
                }
            }
        }
    }

    /// No more bookings at one instant than there are places. Times of one shape order as texts.
    fn fits(&self, shared: &str) {
        let active: Vec<&Known> = self.bookings.values().filter(|it| it.takes()).collect();
        for one in &active {
            let at = active.iter().filter(|other| other.resource == one.resource);
            let at = at.filter(|it| it.start <= one.start && one.start < it.end).count();
            let places = if one.resource == shared { PLACES } else { 1 };
            assert!(at <= places, "{at} of {places} at the start of {one:?}");
        }
    }
}

/// Every event, in the order of the log.
async fn log(app: &TestApp) -> Vec<Envelope> {
    app.settle().await;
    let mut services = app.running.services().iter();
    let service = services.find(|service| service.name == Service::Booking).unwrap();
    let mut all: Vec<Envelope> = Vec::new();
    loop {
        let after = all.last().map_or(0, |event| event.metadata.position);
        let page = service.outbox.after(&service.database, after, 500).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// The events of each request, by the place of its last one: a request is one transaction, and whatever
/// waited for it has later places.
fn steps(events: &[Envelope]) -> Vec<Vec<&Envelope>> {
    let mut by_request: BTreeMap<&str, Vec<&Envelope>> = BTreeMap::new();
    for event in events {
        by_request.entry(&event.metadata.trace_id).or_default().push(event);
    }
    let mut steps: Vec<Vec<&Envelope>> = by_request.into_values().collect();
    steps.sort_by_key(|step| step.last().map(|event| event.metadata.position));
    steps
}

async fn furnish(app: &TestApp, w: &World) -> Vec<String> {
    let room = w.room(app, "Sala 2").await;
    let many = json!({
        "tenant_id": w.tenant, "name": "Aulas", "type": "fisico",
        "category_metadata": { "allows_multiple_bookings": true },
    });
    let many = w.admin(app).post("/categories/", many).await.expect(201).id();
    let shared =
        json!({ "tenant_id": w.tenant, "category_id": many, "name": "Aula", "capacity": PLACES });
    let shared = w.admin(app).post("/resources/", shared).await.expect(201).id();
    vec![w.resource.clone(), room, shared]
}

async fn every_history_is_possible_in_the_order_of_its_events(app: TestApp) {
    let settings = json!({ "cancellation_hours": 0 });
    let w = World::with(&app, "historia.example", settings, json!({})).await;
    let seed = seed();
    let scene = Scene {
        app: &app,
        w: &w,
        rooms: furnish(&app, &w).await,
        made: Mutex::default(),
        held: Mutex::default(),
        makers: Mutex::default(),
        accepted: Mutex::default(),
        statuses: Mutex::default(),
        times: Mutex::default(),
    };
    let clients = (0..CLIENTS).map(|number| scene.client(Dice::of(seed, number)));
    futures_util::future::join_all(clients).await;
    eprintln!("answers: {:?}", scene.statuses.lock().unwrap());
    {
        let mut times = scene.times.lock().unwrap();
        times.sort_unstable();
        let slowest = &times[times.len().saturating_sub(5)..];
        eprintln!("the middle {:?}, the slowest {slowest:?}", times[times.len() / 2]);
    }
    let events = log(&app).await;
    let mut model = Model::default();
    let steps = steps(&events);
    for step in &steps {
        for event in step {
            model.apply(event);
        }
        model.fits(&scene.rooms[2]);
    }
    eprintln!("{} events of {} requests", events.len(), steps.len());
    // Who was refused left nothing behind, and whoever made something is in the log.
    let told: BTreeSet<String> =
        steps.iter().map(|step| step[0].metadata.trace_id.clone()).collect();
    assert!(told.is_subset(&scene.accepted.lock().unwrap()));
    assert!(scene.makers.lock().unwrap().is_subset(&told));
    assert!(told.len() > 40, "hardly anything happened: {}", told.len());
    // The log tells what is stored.
    for (id, known) in &model.bookings {
        let read = w.admin(&app).get(&format!("/bookings/{id}")).await.expect(200);
        let field = |name: &str| read.body[name].as_str().unwrap().to_owned();
        let found = Known {
            resource: field("resource_id"),
            start: field("start_time"),
            end: field("end_time"),
            status: field("status"),
            version: read.body["version"].as_i64().unwrap(),
        };
        assert_eq!(found, *known);
    }
    // Counters equal the sums: with everything cancelled, every place can be had again.
    for (id, known) in &model.bookings {
        if known.status == "reservado" {
            w.admin(&app).delete(&format!("/bookings/holds/{id}")).await.expect(204);
        } else {
            w.admin(&app).patch(&format!("/bookings/{id}/cancel"), Value::Null).await.expect(200);
        }
    }
    for day in 2..7 {
        let (start, end) =
            (format!("2027-03-{day:02}T06:00:00"), format!("2027-03-{day:02}T22:00:00"));
        for (room, places) in scene.rooms.iter().zip([1, 1, PLACES]) {
            let mut body = w.booking(&start, &end);
            body["resource_id"] = json!(room);
            body["quantity"] = json!(places);
            w.admin(&app).post("/bookings/", body).await.expect(201);
        }
    }
    app.stop().await;
}

/// Law 7: a booking is moved exactly where it could be made after it was cancelled, and then everything
/// else is as if it had been.
async fn a_move_is_a_cancellation_and_a_booking(app: TestApp) {
    let w = World::with(&app, "lei7.example", json!({ "cancellation_hours": 0 }), json!({})).await;
    let seed = seed();
    let (mut dice, ask) = (Dice::new(seed), w.user(&app));
    for _ in 0..6 {
        let (start, end) = slot(&mut dice);
        let _ = w.book(&app, &start, &end).await;
    }
    let mut tried = 0;
    while tried < 30 {
        let (start, end) = slot(&mut dice);
        tried += 1;
        let mover = w.book(&app, &start, &end).await;
        if mover.status.as_u16() != 201 {
            continue;
        }
        let path = format!("/bookings/{}", mover.id());
        let (to_start, to_end) = slot(&mut dice);
        let time = json!({ "start_time": to_start, "end_time": to_end });
        let answer = ask.put(&path, time).await;
        // The same from where it was: cancelled, then booked anew.
        let back = json!({ "start_time": start, "end_time": end });
        ask.put(&path, back).await.expect(200);
        ask.patch(&format!("{path}/cancel"), Value::Null).await.expect(200);
        let anew = w.book(&app, &to_start, &to_end).await;
        let (by_move, by_both) = (answer.status.as_u16(), anew.status.as_u16());
        assert_eq!(by_move == 200, by_both == 201, "{} {}", answer.text, anew.text);
        if by_both == 201 {
            let path = format!("/bookings/{}/cancel", anew.id());
            ask.patch(&path, Value::Null).await.expect(200);
        } else {
            assert_eq!(answer.body["conflicts"], anew.body["conflicts"]);
        }
    }
    app.stop().await;
}
