//! `POST /bookings/series`: rules, modes, what a refusal lists, and that it is all or nothing.

use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{booking_events, column, invalid, keys, names, refused, well_refused};
use crate::policy::hour;
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    every_occurrence_is_a_booking_of_its_own,
    a_preview_writes_nothing,
    all_or_nothing_lists_every_conflict,
    the_others_are_booked_and_the_skipped_are_told,
    every_broken_rule_is_told,
    the_clock_time_is_kept_and_shifts_are_told,
    days_that_do_not_exist_are_told,
    limits_count_the_series_itself,
    occurrences_may_not_overlap_each_other,
    a_series_shares_places,
    a_series_is_read_page_by_page,
    the_shape_of_a_series_is_judged,
    a_series_goes_with_its_person,
    a_booking_for_every_day_of_a_year,
    exactly_one_of_two_series_gets_a_slot,
);

const TAKEN: &str = "Recurso já possui reserva neste intervalo";

/// A series of the world's user from Tuesday, 2 March 2027.
pub(crate) fn series(w: &World, hour: u32, rrule: &str) -> Value {
    let mut body = w.booking(
        &format!("2027-03-02T{hour:02}:00:00"),
        &format!("2027-03-02T{:02}:00:00", hour + 1),
    );
    body["rrule"] = json!(rrule);
    body
}

pub(crate) async fn make(app: &TestApp, w: &World, body: Value) -> Answer {
    w.user(app).post("/bookings/series", body).await
}

/// The starts of the bookings of an answer.
pub(crate) fn starts(answer: &Answer) -> Vec<String> {
    let rows = answer.body["bookings"].as_array().unwrap();
    rows.iter().map(|row| row["start_time"].as_str().unwrap().to_owned()).collect()
}

async fn every_occurrence_is_a_booking_of_its_own(app: TestApp) {
    let w = World::new(&app, "serie.example").await;
    let mut body = series(&w, 9, "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=5\nEXDATE;VALUE=DATE:20270309");
    body["notes"] = json!("Turma B");
    let made = make(&app, &w, body).await.expect(201);
    let days = ["02", "04", "11", "16"];
    let expected: Vec<String> = days.iter().map(|day| format!("2027-03-{day}T12:00:00Z")).collect();
    assert_eq!(starts(&made), expected);
    assert_eq!(made.body["mode"], "fail");
    assert_eq!(made.body["ended"], json!({ "reason": "count", "next": null }));
    for field in ["skipped", "shifted", "missing"] {
        assert_eq!(made.body[field], json!([]));
    }
    let id = &made.body["series_id"];
    for (booking, start) in made.body["bookings"].as_array().unwrap().iter().zip(&expected) {
        assert_eq!(booking["series_id"], *id);
        assert_eq!(booking["original_start_time"], start.as_str());
        assert_eq!(
            (&booking["notes"], &booking["recurring_enabled"]),
            (&json!("Turma B"), &json!(true))
        );
        let path = format!("/bookings/{}", booking["id"].as_str().unwrap());
        assert_eq!(w.user(&app).get(&path).await.expect(200).body, *booking);
    }
    let codes: std::collections::BTreeSet<_> = made.body["bookings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["confirmation_code"].as_str())
        .collect();
    assert_eq!(codes.len(), 4);
    let events = booking_events(&app).await;
    assert_eq!(names(&events), ["booking.created"; 4]);
    assert!(events.iter().all(|event| event.metadata.sequence == 1));
    let list = w.user(&app).get(&format!("/bookings/?series_id={}", id.as_str().unwrap())).await;
    assert_eq!(column(&list, "start_time"), expected);
    app.stop().await;
}

async fn a_preview_writes_nothing(app: TestApp) {
    let w = World::new(&app, "previa.example").await;
    w.book(&app, "2027-03-04T09:00:00", "2027-03-04T10:00:00").await.expect(201);
    let mut body = series(&w, 9, "FREQ=DAILY");
    body["mode"] = json!("preview");
    let told = make(&app, &w, body).await.expect(200);
    assert!(told.body.get("series_id").is_none());
    assert_eq!(starts(&told).len(), 29, "{}", told.text);
    assert_eq!(
        keys(&told.body["bookings"][0]),
        ["end_time", "quantity", "resource_id", "start_time", "status"]
    );
    assert_eq!(told.body["skipped"][0]["code"], "conflict");
    assert_eq!(told.body["skipped"][0]["conflicts"].as_array().unwrap().len(), 1);
    assert_eq!(told.body["ended"], json!({ "reason": "window", "next": "2027-04-01T12:00:00Z" }));
    assert_eq!(booking_events(&app).await.len(), 1);
    assert_eq!(column(&w.user(&app).get("/bookings/").await, "id").len(), 1);
    app.stop().await;
}

async fn all_or_nothing_lists_every_conflict(app: TestApp) {
    let w = World::new(&app, "tudo.example").await;
    let mut there = Vec::new();
    for day in [3, 5, 8] {
        there.push(hour(&app, &w, &format!("2027-03-{day:02}"), 9).await.expect(201).id());
    }
    let answer = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=10")).await;
    let answer = refused(answer, 409, "conflict", TAKEN);
    let of = |list: &Value| -> Vec<String> {
        let rows = list.as_array().unwrap().iter();
        rows.map(|row| row["booking_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of(&answer.body["conflicts"]), there);
    let listed = answer.body["occurrences"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    for (one, id) in listed.iter().zip(&there) {
        let said = ["alternatives", "code", "conflicts", "explanation", "message", "start_time"];
        assert_eq!(keys(one), said);
        assert_eq!((&one["code"], &one["message"]), (&json!("conflict"), &json!(TAKEN)));
        assert_eq!(of(&one["conflicts"]), std::slice::from_ref(id));
    }
    assert_eq!(booking_events(&app).await.len(), 3);
    // A booking that repeats is a series as well.
    let mut body = w.booking("2027-03-02T09:00:00", "2027-03-02T10:00:00");
    body["recurring_enabled"] = json!(true);
    body["recurring_pattern"] = json!({ "frequency": "daily", "end_date": "2027-03-08" });
    let answer = w.user(&app).post("/bookings/", body.clone()).await;
    assert_eq!(
        refused(answer, 409, "conflict", TAKEN).body["occurrences"].as_array().unwrap().len(),
        3
    );
    body["series_mode"] = json!("skip");
    let made = w.user(&app).post("/bookings/", body).await.expect(201);
    assert_eq!(made.header("x-series-count"), "4");
    assert!(made.header("etag").contains("b-1") && made.body["series_id"].is_string());
    app.stop().await;
}

async fn the_others_are_booked_and_the_skipped_are_told(app: TestApp) {
    let w = World::new(&app, "pula.example").await;
    w.book(&app, "2027-03-03T09:00:00", "2027-03-03T10:00:00").await.expect(201);
    let mut body = series(&w, 9, "FREQ=DAILY;COUNT=3");
    body["mode"] = json!("skip");
    let made = make(&app, &w, body.clone()).await.expect(201);
    assert_eq!(starts(&made), ["2027-03-02T12:00:00Z", "2027-03-04T12:00:00Z"]);
    assert_eq!(made.body["skipped"][0]["start_time"], "2027-03-03T12:00:00Z");
    // Nothing is left of it: that is a refusal.
    let answer = refused(make(&app, &w, body).await, 409, "conflict", TAKEN);
    assert_eq!(answer.body["occurrences"].as_array().unwrap().len(), 3);
    assert_eq!(booking_events(&app).await.len(), 3);
    app.stop().await;
}

async fn every_broken_rule_is_told(app: TestApp) {
    let schedule = json!({
        "monday": ["08:00-12:00"], "tuesday": ["08:00-12:00"], "wednesday": ["08:00-09:00"],
        "thursday": ["08:00-12:00"], "friday": ["08:00-12:00"],
    });
    let w = World::with(&app, "regras.example", json!({}), schedule).await;
    w.book(&app, "2027-03-04T09:00:00", "2027-03-04T10:00:00").await.expect(201);
    let answer = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=6")).await;
    let message = "Horário não permitido na disponibilidade do recurso.";
    let answer = refused(answer, 400, "outside_schedule", message);
    let codes: Vec<&str> = answer.body["occurrences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["outside_schedule", "conflict", "closed_weekday", "closed_weekday"]);
    assert_eq!(answer.body["conflicts"].as_array().unwrap().len(), 1);
    let late = make(&app, &w, {
        let mut body = series(&w, 9, "FREQ=DAILY");
        body["start_time"] = json!("2027-06-01T09:00:00");
        body["end_time"] = json!("2027-06-01T10:00:00");
        body
    });
    let answer = well_refused(late.await, 400, "too_far_ahead");
    assert_eq!(answer.body["limit"], 30);
    let none =
        make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=1\nEXDATE;VALUE=DATE:20270302")).await;
    well_refused(none, 400, "empty_series");
    app.stop().await;
}

async fn the_clock_time_is_kept_and_shifts_are_told(app: TestApp) {
    let settings = json!({
        "timezone": "America/New_York", "working_hours_start": "00:00", "working_hours_end": "24:00",
        "booking_interval": 30,
    });
    let w = World::with(&app, "relogio.example", settings, json!({})).await;
    let mut body = w.booking("2027-03-13T02:30:00", "2027-03-13T03:30:00");
    body["rrule"] = json!("FREQ=DAILY;COUNT=3");
    let made = make(&app, &w, body).await.expect(201);
    assert_eq!(
        starts(&made),
        ["2027-03-13T07:30:00Z", "2027-03-14T07:30:00Z", "2027-03-15T06:30:00Z"]
    );
    assert_eq!(
        made.body["shifted"],
        json!([{
            "start_time": "2027-03-14T07:30:00Z", "wall": "2027-03-14T02:30:00",
            "shifted_to": "2027-03-14T03:30:00",
        }])
    );
    // Moved an hour later and back: where the clock skipped it, it is as it was.
    let first = made.body["bookings"][0]["id"].as_str().unwrap();
    let path = format!("/bookings/{first}?scope=all");
    let later = json!({ "start_time": "2027-03-13T03:30:00", "end_time": "2027-03-13T04:30:00" });
    let moved = w.user(&app).put(&path, later).await.expect(200);
    assert_eq!(
        starts(&moved),
        ["2027-03-13T08:30:00Z", "2027-03-14T07:30:00Z", "2027-03-15T07:30:00Z"]
    );
    let back = json!({ "start_time": "2027-03-13T02:30:00", "end_time": "2027-03-13T03:30:00" });
    let moved = w.user(&app).put(&path, back).await.expect(200);
    assert_eq!(starts(&moved), starts(&made));
    app.stop().await;
}

async fn days_that_do_not_exist_are_told(app: TestApp) {
    let settings = json!({ "advance_booking_days": 365 });
    let w = World::with(&app, "falta.example", settings, json!({})).await;
    let mut body = w.booking("2027-03-31T09:00:00", "2027-03-31T10:00:00");
    body["recurring_pattern"] = json!({ "frequency": "monthly", "end_date": "2027-08-31" });
    let made = make(&app, &w, body).await.expect(201);
    assert_eq!(
        starts(&made),
        ["03-31", "05-31", "07-31", "08-31"].map(|day| format!("2027-{day}T12:00:00Z"))
    );
    assert_eq!(made.body["missing"], json!(["2027-04-31", "2027-06-31"]));
    assert_eq!(made.body["ended"]["reason"], "until");
    app.stop().await;
}

async fn limits_count_the_series_itself(app: TestApp) {
    let limits = json!([{ "per": "week", "bookings": 3 }]);
    let settings = json!({ "booking_policy": { "limits": limits } });
    let w = World::with(&app, "limite.example", settings, json!({})).await;
    // Tuesday to Sunday: the fourth of the week is one too many, and so is the fifth.
    let answer = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=6")).await;
    let answer = well_refused(answer, 400, "limit_exceeded");
    assert_eq!(answer.body["limit"], 3);
    assert_eq!(answer.body["occurrences"].as_array().unwrap().len(), 3, "{}", answer.text);
    let mut body = series(&w, 9, "FREQ=DAILY;COUNT=8");
    body["mode"] = json!("skip");
    let made = make(&app, &w, body).await.expect(201);
    assert_eq!(starts(&made).len(), 3 + 2);
    let one_more = w.book(&app, "2027-03-06T15:00:00", "2027-03-06T16:00:00").await;
    well_refused(one_more, 400, "limit_exceeded");
    w.book(&app, "2027-03-10T15:00:00", "2027-03-10T16:00:00").await.expect(201);
    app.stop().await;
}

async fn occurrences_may_not_overlap_each_other(app: TestApp) {
    let settings = json!({ "working_hours_start": "00:00", "working_hours_end": "24:00" });
    let w = World::with(&app, "vizinho.example", settings, json!({})).await;
    let room = json!({
        "tenant_id": w.tenant, "category_id": w.category, "name": "Sala 3",
        "booking_policy": { "buffer_before_minutes": 120 },
    });
    let room = w.admin(&app).post("/resources/", room).await.expect(201).id();
    let mut body = w.booking("2027-03-02T00:00:00", "2027-03-02T23:00:00");
    body["resource_id"] = json!(room);
    body["rrule"] = json!("FREQ=DAILY;COUNT=2");
    let answer = well_refused(make(&app, &w, body).await, 400, "overlaps_itself");
    assert_eq!(answer.body["occurrences"].as_array().unwrap().len(), 1);
    app.stop().await;
}

async fn a_series_shares_places(app: TestApp) {
    let w = World::new(&app, "partilha.example").await;
    let shared = json!({ "category_metadata": { "allows_multiple_bookings": true } });
    w.admin(&app).put(&format!("/categories/{}", w.category), shared).await.expect(200);
    app.settle().await;
    let mut body = series(&w, 9, "FREQ=DAILY;COUNT=5");
    body["quantity"] = json!(12);
    make(&app, &w, body.clone()).await.expect(201);
    let answer = well_refused(make(&app, &w, body.clone()).await, 409, "capacity_exceeded");
    assert_eq!(answer.body["remaining"], 8);
    assert_eq!(answer.body["occurrences"].as_array().unwrap().len(), 5);
    body["quantity"] = json!(8);
    let made = make(&app, &w, body).await.expect(201);
    // Half of the days later, one place less: the sums follow.
    let third = made.body["bookings"][2]["id"].as_str().unwrap();
    let edit = json!({ "start_time": "2027-03-04T10:00:00", "end_time": "2027-03-04T11:00:00", "quantity": 9 });
    let path = format!("/bookings/{third}?scope=following");
    let moved = w.user(&app).put(&path, edit).await.expect(200);
    assert_eq!(starts(&moved)[0], "2027-03-04T13:00:00Z");
    let mut more = w.booking("2027-03-04T10:00:00", "2027-03-04T11:00:00");
    more["quantity"] = json!(12);
    well_refused(w.user(&app).post("/bookings/", more.clone()).await, 409, "capacity_exceeded");
    more["quantity"] = json!(11);
    w.user(&app).post("/bookings/", more).await.expect(201);
    app.stop().await;
}

async fn a_series_is_read_page_by_page(app: TestApp) {
    let w = World::new(&app, "pagina.example").await;
    let made = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=5")).await.expect(201);
    let id = made.body["series_id"].as_str().unwrap();
    let path = format!("/bookings/series/{id}");
    let page = w.user(&app).get(&format!("{path}?limit=3&count=true")).await.expect(200);
    assert_eq!(starts(&page).len(), 3);
    assert_eq!(page.header("x-total-count"), "5");
    assert_eq!(page.body["rrule"], "FREQ=DAILY;COUNT=5");
    assert_eq!(page.body["recurring_pattern"], Value::Null);
    assert_eq!(page.body["wall_start"], "2027-03-02T09:00:00");
    assert_eq!(
        (&page.body["timezone"], &page.body["duration_seconds"]),
        (&json!("America/Sao_Paulo"), &json!(3600))
    );
    let link = page.header("link").split_once('?').unwrap().1;
    let next =
        w.user(&app).get(&format!("{path}?{}", link.split('>').next().unwrap())).await.expect(200);
    assert_eq!(starts(&next), starts(&made)[3..]);
    let other = World::new(&app, "alheia.example").await;
    refused(other.admin(&app).get(&path).await, 404, "not_found", "Série não encontrada");
    let (_, maria) = w.join(&app, "maria", "user", json!({ "can_book": true })).await;
    crate::ask::by(&app, &maria).get(&path).await.expect(403);
    app.stop().await;
}

async fn the_shape_of_a_series_is_judged(app: TestApp) {
    let w = World::new(&app, "forma.example").await;
    let without = || w.booking("2027-03-02T09:00:00", "2027-03-02T10:00:00");
    invalid(make(&app, &w, without()).await, &["rrule"]);
    let mut both = series(&w, 9, "FREQ=DAILY");
    both["recurring_pattern"] = json!({ "frequency": "daily" });
    invalid(make(&app, &w, both).await, &["rrule"]);
    let bad = series(&w, 9, "FREQ=HOURLY;COUNT=0");
    invalid(make(&app, &w, bad).await, &["rrule.COUNT", "rrule.FREQ"]);
    let mut odd = series(&w, 9, "FREQ=DAILY");
    odd["mode"] = json!("perhaps");
    invalid(make(&app, &w, odd).await, &["mode"]);
    let mut mode = without();
    mode["series_mode"] = json!("preview");
    invalid(w.user(&app).post("/bookings/", mode).await, &["series_mode"]);
    app.stop().await;
}

async fn a_series_goes_with_its_person(app: TestApp) {
    let w = World::new(&app, "pessoa.example").await;
    let made = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=2")).await.expect(201);
    let export = crate::privacy::export(&app, w.user(&app), &w.user).await;
    let told = &export.body["elsewhere"]["booking"];
    assert_eq!(told[0]["id"], made.body["series_id"]);
    assert_eq!(told[0]["rrule"], "FREQ=DAILY;COUNT=2");
    assert_eq!(export.body["bookings"].as_array().unwrap().len(), 2);
    w.admin(&app).post(&format!("/users/{}/erasure", w.user), Value::Null).await.expect(204);
    app.settle().await;
    let path = format!("/bookings/series/{}", made.body["series_id"].as_str().unwrap());
    let read = w.admin(&app).get(&path).await.expect(200);
    assert!(!read.text.contains(&w.user), "{}", read.text);
    app.stop().await;
}

/// The longest series that an advance window of a year allows, beside another one.
async fn a_booking_for_every_day_of_a_year(app: TestApp) {
    let settings = json!({ "advance_booking_days": 365, "booking_interval": 30 });
    let w = World::with(&app, "longa.example", settings, json!({})).await;
    for hour in [7, 9] {
        let mut body = series(&w, hour, "FREQ=DAILY");
        body["mode"] = json!("skip");
        let made = make(&app, &w, body).await.expect(201);
        assert_eq!(starts(&made).len(), 365);
    }
    app.stop().await;
}

/// Two that race for one slot a day: whoever is second hears of every conflict, and has nothing.
async fn exactly_one_of_two_series_gets_a_slot(app: TestApp) {
    let w = World::new(&app, "corrida.example").await;
    let body = series(&w, 9, "FREQ=DAILY;COUNT=20");
    let single = w.booking("2027-03-10T09:00:00", "2027-03-10T10:00:00");
    let (one, two, three) = futures_util::join!(
        make(&app, &w, body.clone()),
        make(&app, &w, body.clone()),
        w.user(&app).post("/bookings/", single),
    );
    let made = [&one, &two, &three].iter().filter(|it| it.status.as_u16() == 201).count();
    assert_eq!(made, 1, "{} {} {}", one.status, two.status, three.status);
    for lost in [one, two, three].into_iter().filter(|it| it.status.as_u16() != 201) {
        let lost = refused(lost, 409, "conflict", TAKEN);
        assert!(!lost.body["conflicts"].as_array().unwrap().is_empty());
    }
    let rows = column(&w.user(&app).get("/bookings/").await, "start_time");
    let days: std::collections::BTreeSet<_> = rows.iter().collect();
    assert!(matches!(rows.len(), 1 | 20) && days.len() == rows.len());
    assert_eq!(booking_events(&app).await.len(), rows.len());
    app.stop().await;
}
