//! What calendar files say, read back by python's `icalendar` where `TEST_PYTHON` names one that has it
//! (`cargo xtask test` does). Without it these tests pass with a notice, except under `CI=true`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use chrono::{DateTime, TimeDelta, Utc};
use contracts::Service;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, refused, well_refused};
use crate::calendars::{LIST, of, path};
use crate::holds::body;
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    calendars_tell_what_was_booked_moved_and_cancelled,
    calendars_hold_what_is_near_and_no_holds,
    calendars_are_whole_however_many_pages_they_are_read_in,
    calendars_of_the_busy_kind_tell_times_only,
    calendars_of_one_booking,
    calendars_of_taken_time_equal_the_bookings,
    calendars_of_taken_time_know_places_and_closures,
    calendars_of_taken_time_have_bounds,
);

const SCRIPT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/scheduling/tests/it/icalendar/read.py");

#[allow(clippy::disallowed_methods, reason = "a test is steered by its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What Python reads in a file; `None` without a Python that can.
fn read(file: &str, between: [&str; 2]) -> Option<Value> {
    let Some(python) = variable("TEST_PYTHON") else {
        assert!(variable("CI").is_none_or(|ci| ci != "true"), "TEST_PYTHON is not set");
        eprintln!("a calendar is not read back: TEST_PYTHON is not set");
        return None;
    };
    let asked = json!({ "text": file, "between": between.map(at) }).to_string();
    let mut command = Command::new(python);
    command.arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{asked}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{file}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// An instant in seconds.
fn at(text: &str) -> i64 {
    text.parse::<DateTime<Utc>>().unwrap().timestamp()
}

/// A tenant in New York, open all day, that books far ahead.
async fn new_york(app: &TestApp, domain: &str) -> World {
    let settings = json!({
        "timezone": "America/New_York", "working_hours_start": "00:00",
        "working_hours_end": "24:00", "advance_booking_days": 365, "cancellation_hours": 0,
    });
    World::with(app, domain, settings, json!({})).await
}

/// The events of a file by their names, start, end, status and version.
fn told(read: &Value) -> Vec<(String, i64, i64, String, i64)> {
    let events = read["events"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let number = |value: &Value| value.as_i64().unwrap();
    events
        .map(|it| {
            let (start, end) = (number(&it["start"]), number(&it["end"]));
            (text(&it["uid"]), start, end, text(&it["status"]), number(&it["sequence"]))
        })
        .collect()
}

fn event(
    id: &str,
    start: &str,
    end: &str,
    status: &str,
    version: i64,
) -> (String, i64, i64, String, i64) {
    (format!("{id}@marca"), at(start), at(end), status.to_owned(), version)
}

async fn calendars_tell_what_was_booked_moved_and_cancelled(app: TestApp) {
    let w = new_york(&app, "relogio.example").await;
    // By the local clock: before and after it is set forward, and at both 01:00 when it is set back.
    let times = [
        ("2027-03-12T15:00:00Z", "2027-03-12T16:00:00Z"),
        ("2027-03-14T06:00:00Z", "2027-03-14T07:00:00Z"),
        ("2027-03-14T07:00:00Z", "2027-03-14T08:00:00Z"),
        ("2027-11-07T05:00:00Z", "2027-11-07T06:00:00Z"),
        ("2027-11-07T06:00:00Z", "2027-11-07T07:00:00Z"),
    ];
    let mut ids = Vec::new();
    for (start, end) in times {
        ids.push(w.book(&app, start, end).await.expect(201).id());
    }
    let feed = path(&w.user(&app).post(LIST, of(&w, "user_id", &w.user)).await.expect(201));
    let mut wanted: Vec<_> = (ids.iter().zip(times))
        .map(|(id, (start, end))| event(id, start, end, "TENTATIVE", 1))
        .collect();
    let between = ["2027-03-01T00:00:00Z", "2027-12-31T00:00:00Z"];
    let first = app.get(&feed).await.expect(200);
    let Some(read_first) = read(&first.text, between) else { return app.stop().await };
    assert_eq!(told(&read_first), wanted);
    assert_eq!(read_first["between"], 5);
    assert_eq!(read_first["zones"], json!(["America/New_York"]));
    let walls: Vec<&str> = read_first["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["wall"].as_str())
        .collect();
    let clock = ["2027-03-12 10:00:00", "2027-03-14 01:00:00", "2027-03-14 03:00:00"];
    assert_eq!(walls[..3], clock);
    let utc = ["2027-11-07 05:00:00", "2027-11-07 06:00:00"];
    assert_eq!(walls[3..], utc, "what begins or ends with the second 01:00 is told in UTC");
    // Moved, cancelled, confirmed: the same names, higher versions.
    let moved = json!({ "start_time": "2027-03-15T15:00:00Z", "end_time": "2027-03-15T16:00:00Z" });
    w.user(&app).put(&format!("/bookings/{}", ids[0]), moved).await.expect(200);
    w.user(&app).patch(&format!("/bookings/{}/cancel", ids[2]), Value::Null).await.expect(200);
    let confirm = format!("/bookings/{}/status?status_param=confirmado", ids[3]);
    w.admin(&app).patch(&confirm, Value::Null).await.expect(200);
    wanted[0] = event(&ids[0], "2027-03-15T15:00:00Z", "2027-03-15T16:00:00Z", "TENTATIVE", 2);
    wanted[2] = event(&ids[2], times[2].0, times[2].1, "CANCELLED", 2);
    wanted[3] = event(&ids[3], times[3].0, times[3].1, "CONFIRMED", 2);
    wanted.sort_by_key(|it| it.1);
    let second = read(&app.get(&feed).await.expect(200).text, between).unwrap();
    assert_eq!(told(&second), wanted);
    app.stop().await;
}

async fn calendars_hold_what_is_near_and_no_holds(app: TestApp) {
    let mut w = new_york(&app, "perto.example").await;
    let (start, end) = ("2027-03-02T15:00:00Z", "2027-03-02T16:00:00Z");
    let near = w.book(&app, start, end).await.expect(201).id();
    let asked = body(&w, "2027-03-03T15:00:00Z", "2027-03-03T16:00:00Z");
    let hold = w.user(&app).post("/bookings/holds", asked.clone()).await.expect(201);
    let other = w.join(&app, "outra", "user", json!({ "can_book": true })).await;
    let mut theirs = asked;
    theirs["user_id"] = json!(other.0);
    theirs["start_time"] = json!("2027-03-05T15:00:00Z");
    theirs["end_time"] = json!("2027-03-05T16:00:00Z");
    let theirs = by(&app, &other.1).post("/bookings/", theirs).await.expect(201).id();
    let mine = path(&w.user(&app).post(LIST, of(&w, "user_id", &w.user)).await.expect(201));
    let room = of(&w, "resource_id", &w.resource);
    let rooms = path(&w.admin(&app).post(LIST, room).await.expect(201));
    let uids = |text: &str| text.matches("\r\nUID:").count();
    let has = |text: &str, id: &str| text.contains(&format!("\r\nUID:{id}@marca\r\n"));
    let own = app.get(&mine).await.expect(200).text;
    assert!(uids(&own) == 1 && has(&own, &near), "{own}");
    let all = app.get(&rooms).await.expect(200).text;
    assert!(uids(&all) == 2 && has(&all, &near) && has(&all, &theirs), "{all}");
    // A dead hold is cancelled, and was never a booking. One that is given back neither.
    w.wait(&app, TimeDelta::minutes(11)).await;
    app.run_job("tidy holds").await.unwrap();
    assert!(!has(&app.get(&mine).await.expect(200).text, &hold.id()));
    // What is long over goes; the calendar is still one.
    w.wait(&app, TimeDelta::days(90)).await;
    app.run_job("finish bookings").await.unwrap();
    assert!(has(&app.get(&mine).await.expect(200).text, &near), "90 days are kept");
    w.wait(&app, TimeDelta::days(2)).await;
    let empty = app.get(&mine).await.expect(200).text;
    assert!(uids(&empty) == 0 && empty.contains("TZID:America/New_York\r\n"), "{empty}");
    if let Some(read) = read(&empty, ["2027-03-01T00:00:00Z", "2027-12-31T00:00:00Z"]) {
        assert_eq!((&read["events"], &read["name"]), (&json!([]), &json!("Aula")));
    }
    app.stop().await;
}

async fn calendars_are_whole_however_many_pages_they_are_read_in(app: TestApp) {
    let mut w = new_york(&app, "cheia.example").await;
    let first: DateTime<Utc> = "2027-03-02T05:00:00Z".parse().unwrap();
    let mut wanted = Vec::new();
    for hour in 0..511 {
        let start = first + TimeDelta::hours(hour);
        let [start, end] = [start, start + TimeDelta::hours(1)]
            .map(|it| it.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        wanted.push(format!("UID:{}@marca", w.book(&app, &start, &end).await.expect(201).id()));
    }
    let feed = path(&w.user(&app).post(LIST, of(&w, "user_id", &w.user)).await.expect(201));
    let uids = async || {
        let file = app.get(&feed).await.expect(200).text;
        let names = file.split("\r\n").filter(|line| line.starts_with("UID:"));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(uids().await, wanted, "all of them are to come");
    w.wait(&app, TimeDelta::days(10)).await;
    assert_eq!(uids().await, wanted, "some are over");
    w.wait(&app, TimeDelta::days(20)).await;
    assert_eq!(uids().await, wanted, "all are over");
    app.stop().await;
}

async fn calendars_of_the_busy_kind_tell_times_only(app: TestApp) {
    let w = new_york(&app, "calada.example").await;
    let mut booking = w.booking("2027-03-04T15:00:00Z", "2027-03-04T16:00:00Z");
    booking["notes"] = json!("palavra; reservada,\numa linha \\ depois 🧘");
    let booked = w.user(&app).post("/bookings/", booking).await.expect(201);
    let code = booked.body["confirmation_code"].as_str().unwrap().to_owned();
    let with = |what: &str, id: &str, detail: &str| {
        let mut body = of(&w, what, id);
        body["detail"] = json!(detail);
        body
    };
    let get = async |body: Value| {
        let made = w.admin(&app).post(LIST, body).await.expect(201);
        app.get(&path(&made)).await.expect(200).text
    };
    let rooms = get(with("resource_id", &w.resource, "busy")).await;
    let users = get(with("user_id", &w.user, "busy")).await;
    for file in [&rooms, &users] {
        assert!(file.contains("SUMMARY:Ocupado\r\n"), "{file}");
        assert!(!file.contains("palavra") && !file.contains(&code), "{file}");
        assert!(!file.contains("DESCRIPTION"), "{file}");
    }
    let full = get(with("resource_id", &w.resource, "full")).await;
    let Some(read) = read(&full, ["2027-03-01T00:00:00Z", "2027-03-31T00:00:00Z"]) else {
        return app.stop().await;
    };
    assert_eq!(read["name"], "Sala 1 - Spinning");
    assert_eq!(read["events"][0]["summary"], "Aula: Sala 1 - Spinning");
    let told = format!(
        "Sala: Sala 1 - Spinning\nCódigo: {code}\nObservações: palavra; reservada,\numa linha \\ depois 🧘"
    );
    assert_eq!(read["events"][0]["description"], told);
    // It has the resource's name of today.
    let rename = json!({ "name": "Sala nova" });
    w.admin(&app).put(&format!("/resources/{}", w.resource), rename).await.expect(200);
    app.settle().await;
    let later = get(with("user_id", &w.user, "full")).await;
    assert!(later.contains("SUMMARY:Aula: Sala nova\r\n"), "{later}");
    app.stop().await;
}

async fn calendars_of_one_booking(app: TestApp) {
    let w = new_york(&app, "uma.example").await;
    let (start, end) = ("2027-03-04T15:00:00Z", "2027-03-04T16:00:00Z");
    let id = w.book(&app, start, end).await.expect(201).id();
    let file = format!("/bookings/{id}/calendar.ics");
    let first = w.user(&app).get(&file).await.expect(200);
    assert_eq!(first.header("content-type"), "text/calendar; charset=utf-8");
    let name = format!("attachment; filename=\"{id}.ics\"");
    assert_eq!(first.header("content-disposition"), name);
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let tag = first.header("etag").to_owned();
    w.user(&app).raw("GET", &file, &[("if-none-match", &tag)], "").await.expect(304);
    let cancel = format!("/bookings/{id}/cancel");
    w.user(&app).patch(&cancel, Value::Null).await.expect(200);
    let second = w.user(&app).raw("GET", &file, &[("if-none-match", &tag)], "").await.expect(200);
    let between = ["2027-03-01T00:00:00Z", "2027-03-31T00:00:00Z"];
    if let (Some(one), Some(other)) = (read(&first.text, between), read(&second.text, between)) {
        assert_eq!(told(&one), [event(&id, start, end, "TENTATIVE", 1)]);
        assert_eq!(told(&other), [event(&id, start, end, "CANCELLED", 2)]);
        assert_eq!(other["events"][0]["transp"], "TRANSPARENT");
    }
    let (_, stranger) = w.join(&app, "outra", "user", json!({ "can_book": true })).await;
    well_refused(by(&app, &stranger).get(&file).await, 403, "forbidden");
    let other = World::new(&app, "alheia.example").await;
    refused(other.admin(&app).get(&file).await, 404, "not_found", "Reserva não encontrada");
    well_refused(by(&app, "").get(&file).await, 401, "unauthorized");
    let hold = w.user(&app).post("/bookings/holds", body(&w, start, end)).await.expect(201).id();
    let hold = w.user(&app).get(&format!("/bookings/{hold}/calendar.ics")).await;
    well_refused(hold, 400, "hold");
    app.stop().await;
}

/// The periods of a kind, in seconds.
fn periods(read: &Value, kind: &str) -> Vec<(i64, i64)> {
    let all = read["free_busy"][0]["periods"].as_array().unwrap().iter();
    all.filter(|it| it["kind"] == kind)
        .map(|it| (it["start"].as_i64().unwrap(), it["end"].as_i64().unwrap()))
        .collect()
}

fn free_busy(resource: &str, from: &str, to: &str) -> String {
    format!("/calendars/resources/{resource}/free-busy.ics?from={from}&to={to}")
}

async fn calendars_of_taken_time_equal_the_bookings(app: TestApp) {
    let w = new_york(&app, "livre.example").await;
    // Two that touch, one apart, one cancelled, one held, one over the end of what is asked for.
    for (start, end) in [(15, 16), (16, 18), (20, 21)] {
        let (start, end) =
            (format!("2027-03-04T{start}:00:00Z"), format!("2027-03-04T{end}:00:00Z"));
        w.book(&app, &start, &end).await.expect(201);
    }
    let gone = w.book(&app, "2027-03-04T22:00:00Z", "2027-03-04T23:00:00Z").await.expect(201).id();
    w.user(&app).patch(&format!("/bookings/{gone}/cancel"), Value::Null).await.expect(200);
    let held = body(&w, "2027-03-05T15:00:00Z", "2027-03-05T16:00:00Z");
    w.user(&app).post("/bookings/holds", held).await.expect(201);
    w.book(&app, "2027-03-06T17:00:00Z", "2027-03-06T19:00:00Z").await.expect(201);
    let asked = free_busy(&w.resource, "2027-03-04T15:30:00Z", "2027-03-06T18:00:00Z");
    let file = w.user(&app).get(&asked).await.expect(200);
    assert_eq!(file.header("content-type"), "text/calendar; charset=utf-8");
    let between = ["2027-03-01T00:00:00Z", "2027-03-31T00:00:00Z"];
    let busy = |spans: &[(&str, &str)]| -> Vec<(i64, i64)> {
        spans.iter().map(|(start, end)| (at(start), at(end))).collect()
    };
    let wanted = busy(&[
        ("2027-03-04T15:30:00Z", "2027-03-04T18:00:00Z"),
        ("2027-03-04T20:00:00Z", "2027-03-04T21:00:00Z"),
        ("2027-03-05T15:00:00Z", "2027-03-05T16:00:00Z"),
        ("2027-03-06T17:00:00Z", "2027-03-06T18:00:00Z"),
    ]);
    let Some(first) = read(&file.text, between) else { return app.stop().await };
    assert_eq!(periods(&first, "BUSY"), wanted);
    assert_eq!(periods(&first, "BUSY-UNAVAILABLE"), [], "it is open all day");
    let about = &first["free_busy"][0];
    assert_eq!(about["uid"], format!("{}@marca", w.resource));
    assert_eq!(about["start"], at("2027-03-04T15:30:00Z"));
    // A hold is over the second it expires.
    app.clock.advance(TimeDelta::minutes(10));
    let later = w.user(&app).get(&asked).await.expect(200);
    let later = read(&later.text, between).unwrap();
    assert_eq!(periods(&later, "BUSY"), [&wanted[..2], &wanted[3..]].concat());
    app.stop().await;
}

async fn calendars_of_taken_time_know_places_and_closures(app: TestApp) {
    let hours = json!({
        "timezone": "America/New_York", "working_hours_start": "08:00", "working_hours_end": "18:00",
    });
    let w = World::with(&app, "vagas.example", hours, json!({})).await;
    let kind = json!({
        "tenant_id": w.tenant, "name": "Turmas", "type": "fisico",
        "category_metadata": { "allows_multiple_bookings": true },
    });
    let kind = w.admin(&app).post("/categories/", kind).await.expect(201).id();
    let room =
        json!({ "tenant_id": w.tenant, "category_id": kind, "name": "Turma", "capacity": 3 });
    let room = w.admin(&app).post("/resources/", room).await.expect(201).id();
    let book = async |start: &str, end: &str, quantity: u32| {
        let mut body = w.booking(start, end);
        (body["resource_id"], body["quantity"]) = (json!(room), json!(quantity));
        w.user(&app).post("/bookings/", body).await.expect(201);
    };
    // Tuesday: full from 15 to 16 only. Wednesday is a holiday.
    book("2027-03-02T14:00:00Z", "2027-03-02T16:00:00Z", 2).await;
    book("2027-03-02T15:00:00Z", "2027-03-02T17:00:00Z", 1).await;
    let holiday = json!({
        "tenant_id": w.tenant, "level": "tenant", "kind": "holiday", "start_date": "2027-03-03",
    });
    w.admin(&app).post("/exceptions/", holiday).await.expect(201);
    app.settle().await;
    let asked = free_busy(&room, "2027-03-02", "2027-03-05");
    let file = w.user(&app).get(&asked).await.expect(200);
    let between = ["2027-03-01T00:00:00Z", "2027-03-31T00:00:00Z"];
    let Some(found) = read(&file.text, between) else { return app.stop().await };
    let full = (at("2027-03-02T15:00:00Z"), at("2027-03-02T16:00:00Z"));
    assert_eq!(periods(&found, "BUSY"), [full]);
    let closed = [
        ("2027-03-02T05:00:00Z", "2027-03-02T13:00:00Z"),
        ("2027-03-02T23:00:00Z", "2027-03-04T13:00:00Z"),
        ("2027-03-04T23:00:00Z", "2027-03-05T05:00:00Z"),
    ];
    let closed: Vec<(i64, i64)> = closed.iter().map(|(start, end)| (at(start), at(end))).collect();
    assert_eq!(periods(&found, "BUSY-UNAVAILABLE"), closed);
    let mended = json!({ "status": "manutencao" });
    w.admin(&app).put(&format!("/resources/{room}"), mended).await.expect(200);
    app.settle().await;
    let file = w.user(&app).get(&asked).await.expect(200);
    let found = read(&file.text, between).unwrap();
    let around = [(at("2027-03-02T05:00:00Z"), full.0), (full.1, at("2027-03-05T05:00:00Z"))];
    assert_eq!(periods(&found, "BUSY-UNAVAILABLE"), around);
    app.stop().await;
}

async fn calendars_of_taken_time_have_bounds(app: TestApp) {
    let w = World::new(&app, "bordas.example").await;
    let ask =
        async |from: &str, to: &str| w.user(&app).get(&free_busy(&w.resource, from, to)).await;
    ask("2027-03-01", "2027-04-01").await.expect(200);
    well_refused(ask("2027-03-01", "2027-04-01T03:00:01Z").await, 400, "too_far_ahead");
    well_refused(ask("2027-03-01", "2027-04-02T12:00:00Z").await, 400, "period_too_long");
    well_refused(ask("2027-02-28", "2027-03-02").await, 400, "date_in_past");
    well_refused(ask("2027-03-02", "2027-03-02").await, 400, "end_before_start");
    well_refused(ask("2027-03-02", "x").await, 422, "validation");
    let other = World::new(&app, "fora.example").await;
    let path = free_busy(&w.resource, "2027-03-02", "2027-03-03");
    refused(other.user(&app).get(&path).await, 404, "not_found", "Recurso não encontrado");
    well_refused(by(&app, "").get(&path).await, 401, "unauthorized");
    assert_eq!(app.execute(Service::Booking, "DELETE FROM calendar_feed").await, 0);
    app.stop().await;
}
