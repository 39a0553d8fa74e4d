//! `POST /tenants/{id}/settings/preview`: what it says would happen is what happens then.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use contracts::Service;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{JSON, keys};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    narrower_hours_break_exactly_the_bookings_outside,
    every_broken_booking_says_why,
    another_interval_changes_the_slots,
    a_preview_writes_nothing,
    what_is_previewed_is_what_comes,
    occupancy_counts_places_of_open_time,
);

/// Tuesday to Thursday, local.
pub(crate) const DAYS: (&str, &str) = ("2027-03-02", "2027-03-05");

pub(crate) fn path(w: &World) -> String {
    format!("/tenants/{}/settings/preview", w.tenant)
}

/// A preview of `settings` for the days of the tests.
pub(crate) async fn preview(app: &TestApp, w: &World, settings: Value) -> Answer {
    let body = json!({ "settings": settings, "from": DAYS.0, "to": DAYS.1 });
    w.admin(app).post(&path(w), body).await
}

pub(crate) async fn booked(app: &TestApp, w: &World, date: &str, from: &str, to: &str) -> String {
    w.book(app, &format!("{date}T{from}"), &format!("{date}T{to}")).await.expect(201).id()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

/// The ids of the broken bookings, in order.
pub(crate) fn broken(answer: &Answer) -> Vec<String> {
    let rows = answer.body["bookings"]["broken"].as_array();
    let rows = rows.unwrap_or_else(|| panic!("{}", answer.text));
    rows.iter().map(|row| text(&row["booking_id"])).collect()
}

/// The field that counts something of the answer.
pub(crate) fn count(answer: &Answer, part: &str, field: &str) -> u64 {
    answer.body[part][field].as_u64().unwrap_or_else(|| panic!("{part}.{field}: {}", answer.text))
}

fn instant(value: &Value) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap().to_utc()
}

type Slots = BTreeSet<(String, DateTime<Utc>, DateTime<Utc>)>;

fn slots(list: &Value) -> Slots {
    let slot = |row: &Value| {
        (text(&row["resource_id"]), instant(&row["start_time"]), instant(&row["end_time"]))
    };
    let found: Slots = list.as_array().unwrap().iter().map(slot).collect();
    assert_eq!(found.len(), list.as_array().unwrap().len(), "none comes twice");
    found
}

async fn narrower_hours_break_exactly_the_bookings_outside(app: TestApp) {
    let w = World::new(&app, "estreito.example").await;
    let early = booked(&app, &w, "2027-03-02", "06:00", "07:00").await;
    booked(&app, &w, "2027-03-02", "10:00", "12:00").await;
    let late = booked(&app, &w, "2027-03-03", "18:00", "21:00").await;
    let gone = booked(&app, &w, "2027-03-04", "06:00", "07:00").await;
    booked(&app, &w, "2027-03-05", "06:00", "07:00").await;
    w.admin(&app).patch(&format!("/bookings/{gone}/cancel"), json!({})).await.expect(200);
    let held = w.booking("2027-03-03T06:00", "2027-03-03T07:00");
    w.user(&app).post("/bookings/holds", held).await.expect(201);
    app.settle().await;
    let same = preview(&app, &w, json!({})).await.expect(200);
    assert_eq!((count(&same, "bookings", "total"), broken(&same)), (3, vec![]));
    assert_eq!(same.body["slots"]["before"], same.body["slots"]["after"]);
    assert_eq!(same.body["occupancy"]["before"], same.body["occupancy"]["after"]);
    assert_eq!(same.body["slots"]["appear"], json!([]));
    assert_eq!(same.body["slots"]["vanish"], json!([]));
    let hours = json!({ "working_hours_start": "07:00", "working_hours_end": "20:00" });
    let narrow = preview(&app, &w, hours.clone()).await.expect(200);
    assert_eq!(broken(&narrow), [early.as_str(), late.as_str()]);
    let bookings = &narrow.body["bookings"];
    let counts = ["total", "broken_count", "outside_count", "mended_count"];
    assert_eq!(counts.map(|name| bookings[name].as_u64().unwrap()), [3, 2, 0, 0]);
    assert_eq!(bookings["truncated"], false);
    // Once it is so, the same bookings are outside already, and the way back mends them.
    let settings = format!("/tenants/{}/settings", w.tenant);
    w.admin(&app).put(&settings, hours).await.expect(200);
    app.settle().await;
    let again = preview(&app, &w, json!({ "booking_interval": 30 })).await.expect(200);
    assert_eq!((broken(&again), count(&again, "bookings", "outside_count")), (vec![], 2));
    let wide = json!({ "working_hours_start": "06:00", "working_hours_end": "22:00" });
    let back = preview(&app, &w, wide).await.expect(200);
    let counted = (count(&back, "bookings", "mended_count"), broken(&back));
    assert_eq!(counted, (2, vec![]));
    app.stop().await;
}

async fn every_broken_booking_says_why(app: TestApp) {
    let schedule = json!({ "tuesday": ["06:00-22:00"], "wednesday": ["06:00-22:00"] });
    let w = World::with(&app, "motivo.example", json!({}), schedule).await;
    let id = booked(&app, &w, "2027-03-02", "20:00", "22:00").await;
    app.settle().await;
    let hours = json!({ "working_hours_end": "21:00" });
    let answer = preview(&app, &w, hours.clone()).await.expect(200);
    let row = &answer.body["bookings"]["broken"][0];
    let expected = json!({
        "booking_id": id, "resource_id": w.resource,
        "start_time": "2027-03-02T23:00:00Z", "end_time": "2027-03-03T01:00:00Z",
        "code": "outside_working_hours", "message": "Horário fora do expediente configurado.",
        "layer": "open", "rule": "outside_working_hours", "until": "2027-03-03T06:00:00-03:00",
    });
    assert_eq!(row, &expected);
    let body = json!({ "settings": hours, "from": DAYS.0, "to": DAYS.1 }).to_string();
    let headers = [JSON, ("accept-language", "en")];
    let english = w.admin(&app).raw("POST", &path(&w), &headers, &body).await.expect(200);
    assert_eq!(english.header("content-language"), "en");
    let message = &english.body["bookings"]["broken"][0]["message"];
    assert_eq!(message, "Outside the configured working hours.");
    for (settings, code, layer) in [
        (json!({ "booking_interval": 90 }), "duration_not_multiple", "policy"),
        (json!({ "working_hours_start": "06:30" }), "off_grid", "policy"),
        (json!({ "booking_policy": { "max_duration_minutes": 60 } }), "too_long", "policy"),
        (json!({ "booking_policy": { "min_duration_minutes": 180 } }), "too_short", "policy"),
        // It is noon on Wednesday there.
        (json!({ "timezone": "Pacific/Auckland" }), "", ""),
        (
            json!({ "timezone": "Pacific/Auckland", "working_hours_end": "13:00" }),
            "outside_working_hours",
            "open",
        ),
        (json!({ "timezone": "Europe/London" }), "outside_working_hours", "open"),
    ] {
        let answer = preview(&app, &w, settings.clone()).await.expect(200);
        let row = &answer.body["bookings"]["broken"][0];
        let told = (row["code"].as_str().unwrap_or(""), row["layer"].as_str().unwrap_or(""));
        assert_eq!(told, (code, layer), "{settings}");
    }
    // When it was made, notice and reach were right; room, places and limits are others' business.
    for settings in [
        json!({ "advance_booking_days": 0 }),
        json!({ "booking_policy": { "min_notice_minutes": 525_600 } }),
        json!({ "booking_policy": { "buffer_before_minutes": 1_440 } }),
        json!({ "booking_policy": { "limits": [{ "per": "day", "hours": 1 }] } }),
        json!({ "cancellation_hours": 168, "hold_minutes": 1, "business_type": "x" }),
    ] {
        let answer = preview(&app, &w, settings.clone()).await.expect(200);
        assert_eq!(broken(&answer), Vec::<String>::new(), "{settings}");
    }
    app.stop().await;
}

async fn another_interval_changes_the_slots(app: TestApp) {
    let w = World::new(&app, "passo.example").await;
    app.settle().await;
    let answer = preview(&app, &w, json!({ "booking_interval": 120 })).await.expect(200);
    let counts = ["before", "after", "appear_count", "vanish_count"];
    let slots = &answer.body["slots"];
    // Sixteen hours on each of three days.
    assert_eq!(counts.map(|name| slots[name].as_u64().unwrap()), [48, 24, 24, 48]);
    assert_eq!(slots["truncated"], false);
    let first = json!({
        "resource_id": w.resource, "start_time": "2027-03-02T06:00:00-03:00",
        "end_time": "2027-03-02T08:00:00-03:00",
    });
    assert_eq!(slots["appear"][0], first);
    // By default two weeks from now on: of Monday only what is to come.
    let body = json!({ "settings": { "booking_interval": 5 } });
    let answer = w.admin(&app).post(&path(&w), body).await.expect(200);
    assert_eq!(answer.body["from"], "2027-03-01T09:00:00-03:00");
    assert_eq!(answer.body["to"], "2027-03-15T09:00:00-03:00");
    let slots = &answer.body["slots"];
    // Twelve hours of Monday after nine, thirteen whole days, and three hours of the last.
    assert_eq!(slots["before"], 12 + 13 * 16 + 3);
    assert_eq!(slots["vanish_count"], slots["before"]);
    assert_eq!(slots["appear_count"], slots["after"]);
    let listed = ["appear", "vanish"].map(|name| slots[name].as_array().unwrap().len());
    assert_eq!((listed, &slots["truncated"]), ([200, 200], &json!(true)));
    // The first of them, one after the other.
    let starts: Vec<DateTime<Utc>> =
        slots["appear"].as_array().unwrap().iter().map(|row| instant(&row["start_time"])).collect();
    assert!(starts.is_sorted());
    assert_eq!(starts[0], instant(&json!("2027-03-01T09:05:00-03:00")));
    assert_eq!(starts[199], instant(&json!("2027-03-02T09:40:00-03:00")));
    let expected =
        ["bookings", "from", "occupancy", "resources", "settings_etag", "slots", "tenant_id", "to"];
    assert_eq!(keys(&answer.body), expected);
    app.stop().await;
}

async fn a_preview_writes_nothing(app: TestApp) {
    let w = World::new(&app, "nada.example").await;
    booked(&app, &w, "2027-03-02", "06:00", "07:00").await;
    app.settle().await;
    let settings = format!("/tenants/{}/settings", w.tenant);
    let seen = async || {
        app.settle().await;
        let stored = w.admin(&app).get(&settings).await.expect(200);
        let list = w.admin(&app).get("/bookings/").await.expect(200);
        let mut events = 0;
        for service in Service::ALL {
            events += app.events(service).await.len();
        }
        (stored.header("etag").to_owned(), stored.text, list.text, events)
    };
    let before = seen().await;
    let change = json!({ "working_hours_start": "09:00", "timezone": "Asia/Tokyo" });
    let answer = preview(&app, &w, change.clone()).await.expect(200);
    assert_eq!(seen().await, before);
    // It tells which settings it compared with: the change can be made on condition of them.
    let etag = text(&answer.body["settings_etag"]);
    assert_eq!(etag, before.0);
    let headers = [JSON, ("if-match", etag.as_str())];
    let put = async || w.admin(&app).raw("PUT", &settings, &headers, &change.to_string()).await;
    put().await.expect(200);
    put().await.expect(412);
    // The header that makes other requests safe to be sent again means nothing here, and harms nothing.
    let body = json!({ "settings": {} }).to_string();
    let headers = [JSON, ("idempotency-key", "x")];
    for _ in 0..2 {
        let again = w.admin(&app).raw("POST", &path(&w), &headers, &body).await.expect(200);
        assert_eq!(again.header("idempotent-replayed"), "");
    }
    app.stop().await;
}

/// What availability lists of these resources around the days, of what starts in them.
async fn listed(app: &TestApp, w: &World, rooms: &[&str], answer: &Answer) -> Slots {
    let (from, to) = (instant(&answer.body["from"]), instant(&answer.body["to"]));
    let mut all = Slots::new();
    for room in rooms {
        let query = format!("/resources/{room}/availability?date=2027-03-01&days=7");
        let days = w.admin(app).get(&query).await.expect(200);
        for day in days.body["days"].as_array().unwrap() {
            for slot in day["slots"].as_array().unwrap() {
                let span = (instant(&slot["start_time"]), instant(&slot["end_time"]));
                all.insert(((*room).to_owned(), span.0, span.1));
            }
        }
    }
    all.retain(|(_, start, _)| from <= *start && *start < to);
    all
}

async fn what_is_previewed_is_what_comes(app: TestApp) {
    let w = World::new(&app, "previsto.example").await;
    let shared = json!({
        "tenant_id": w.tenant, "name": "Aulas", "type": "fisico",
        "category_metadata": { "allows_multiple_bookings": true },
    });
    let shared = w.admin(&app).post("/categories/", shared).await.expect(201).id();
    let class = json!({
        "tenant_id": w.tenant, "category_id": shared, "name": "Aula", "capacity": 2,
        "availability_schedule": { "tuesday": ["08:00-12:00"], "thursday": ["08:00-20:00"] },
        "booking_policy": { "min_duration_minutes": 60 },
    });
    let class = w.admin(&app).post("/resources/", class).await.expect(201).id();
    let broken = w.room(&app, "Em obras").await;
    let mending = json!({ "status": "manutencao" });
    w.admin(&app).put(&format!("/resources/{broken}"), mending).await.expect(200);
    let closure = json!({
        "tenant_id": w.tenant, "level": "tenant", "kind": "maintenance",
        "start_date": "2027-03-03", "ranges": ["10:00-13:00"],
    });
    w.admin(&app).post("/exceptions/", closure).await.expect(201);
    booked(&app, &w, "2027-03-02", "10:00", "12:00").await;
    booked(&app, &w, "2027-03-04", "21:00", "22:00").await;
    let mut both = w.booking("2027-03-02T09:00", "2027-03-02T10:00");
    both["resource_id"] = json!(class);
    both["quantity"] = json!(2);
    w.user(&app).post("/bookings/", both).await.expect(201);
    let held = w.booking("2027-03-02T14:00", "2027-03-02T15:00");
    w.user(&app).post("/bookings/holds", held).await.expect(201);
    let settings = format!("/tenants/{}/settings", w.tenant);
    let rooms = [w.resource.as_str(), class.as_str()];
    for change in [
        json!({ "booking_interval": 30 }),
        json!({ "working_hours_start": "09:30", "working_hours_end": "21:00" }),
        json!({ "timezone": "America/New_York" }),
        json!({ "booking_policy": { "buffer_before_minutes": 30, "min_duration_minutes": 90 } }),
        json!({ "timezone": "Asia/Kathmandu", "booking_interval": 60 }),
        json!({ "advance_booking_days": 2, "booking_policy": { "min_notice_minutes": 1_500 } }),
        json!({ "timezone": "America/Sao_Paulo", "working_hours_end": "24:00" }),
    ] {
        app.settle().await;
        let told = preview(&app, &w, change.clone()).await.expect(200);
        assert_eq!(told.body["slots"]["truncated"], false, "{change}");
        let before = listed(&app, &w, &rooms, &told).await;
        w.admin(&app).put(&settings, change.clone()).await.expect(200);
        app.settle().await;
        let after = listed(&app, &w, &rooms, &told).await;
        let told = &told.body["slots"];
        let (appear, vanish) = (slots(&told["appear"]), slots(&told["vanish"]));
        assert_ne!(before, after, "{change}");
        assert_eq!(appear, &after - &before, "{change}");
        assert_eq!(vanish, &before - &after, "{change}");
        assert_eq!((&told["before"], &told["after"]), (&json!(before.len()), &json!(after.len())));
    }
    app.stop().await;
}

async fn occupancy_counts_places_of_open_time(app: TestApp) {
    let w = World::new(&app, "cheio.example").await;
    let shared = json!({
        "tenant_id": w.tenant, "name": "Aulas", "type": "fisico",
        "category_metadata": { "allows_multiple_bookings": true },
        "booking_policy": { "buffer_after_minutes": 60 },
    });
    let shared = w.admin(&app).post("/categories/", shared).await.expect(201).id();
    let class = json!({
        "tenant_id": w.tenant, "category_id": shared, "name": "Aula", "capacity": 10,
        "availability_schedule": { "tuesday": ["06:00-08:00"] },
    });
    let class = w.admin(&app).post("/resources/", class).await.expect(201).id();
    booked(&app, &w, "2027-03-02", "06:00", "10:00").await;
    let held = w.booking("2027-03-02T14:00", "2027-03-02T15:00");
    w.user(&app).post("/bookings/holds", held).await.expect(201);
    let mut three = w.booking("2027-03-02T06:00", "2027-03-02T07:00");
    three["resource_id"] = json!(class);
    three["quantity"] = json!(3);
    w.user(&app).post("/bookings/", three).await.expect(201);
    app.settle().await;
    let body = json!({
        "settings": { "working_hours_start": "07:00" }, "from": "2027-03-02", "to": "2027-03-03",
    });
    let answer = w.admin(&app).post(&path(&w), body.clone()).await.expect(200);
    // Sixteen hours of the room, four booked; two of ten places, three places booked for one.
    let before =
        json!({ "open_minutes": 960 + 1_200, "booked_minutes": 240 + 180, "ratio": 0.1944 });
    let after = json!({ "open_minutes": 900 + 600, "booked_minutes": 180, "ratio": 0.12 });
    assert_eq!(answer.body["occupancy"], json!({ "before": before, "after": after }));
    // One that cannot be booked has no slots and no open time, but its bookings are looked at.
    let edit = json!({ "status": "manutencao" });
    for room in [&w.resource, &class] {
        w.admin(&app).put(&format!("/resources/{room}"), edit.clone()).await.expect(200);
    }
    let answer = w.admin(&app).post(&path(&w), body).await.expect(200);
    let nothing = json!({ "open_minutes": 0, "booked_minutes": 0, "ratio": 0.0 });
    assert_eq!(answer.body["occupancy"], json!({ "before": nothing, "after": nothing }));
    assert_eq!((count(&answer, "slots", "before"), broken(&answer).len()), (0, 2));
    app.stop().await;
}
