//! Changing and cancelling bookings of a series: this one, those that follow, all.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use contracts::Service;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{booking_events, names, refused, well_refused};
use crate::series::{make, series, starts};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    a_daily_series_moves_by_an_hour,
    a_daily_series_moves_by_a_day,
    a_move_may_overlap_what_it_gives_up,
    a_move_is_all_or_nothing,
    what_follows_becomes_a_series_of_its_own,
    one_occurrence_keeps_its_series,
    other_fields_are_set_on_each,
    what_is_over_stays,
    cancelling_obeys_the_policy_of_each,
    a_booking_of_no_series_has_no_scope,
    only_who_may_change_one_may_change_all,
);

const TAKEN: &str = "Recurso já possui reserva neste intervalo";

fn id_of(answer: &Answer, at: usize) -> String {
    answer.body["bookings"][at]["id"].as_str().unwrap().to_owned()
}

fn at(day: u32, hour: u32) -> Value {
    json!({
        "start_time": format!("2027-03-{day:02}T{hour:02}:00:00"),
        "end_time": format!("2027-03-{day:02}T{:02}:00:00", hour + 1),
    })
}

async fn edit(app: &TestApp, w: &World, id: &str, scope: &str, body: Value) -> Answer {
    w.user(app).put(&format!("/bookings/{id}?scope={scope}"), body).await
}

/// Every booking has versions 1, 2, 3 … in the order of its events, and nothing else.
async fn versions_have_no_gaps(app: &TestApp) {
    let mut last: BTreeMap<_, i64> = BTreeMap::new();
    for event in booking_events(app).await {
        let seen = last.entry(event.metadata.aggregate_id).or_default();
        *seen += 1;
        assert_eq!(event.metadata.sequence, *seen, "{event:?}");
    }
}

async fn a_daily_series_moves_by_an_hour(app: TestApp) {
    let w = World::new(&app, "hora.example").await;
    let made = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=6")).await.expect(201);
    let moved = edit(&app, &w, &id_of(&made, 2), "all", at(4, 10)).await.expect(200);
    let expected: Vec<String> = (2..8).map(|day| format!("2027-03-{day:02}T13:00:00Z")).collect();
    assert_eq!(starts(&moved), expected);
    assert_eq!(moved.body["series_id"], made.body["series_id"]);
    for booking in moved.body["bookings"].as_array().unwrap() {
        assert_eq!(
            (&booking["version"], &booking["original_start_time"]),
            (&json!(2), &booking["start_time"])
        );
    }
    let events = booking_events(&app).await;
    assert_eq!(names(&events[6..]), ["booking.updated"; 6]);
    let changes = events[6].payload["changes"].as_object().unwrap();
    let fields: Vec<&str> = changes.keys().map(String::as_str).collect();
    assert_eq!(fields, ["end_time", "original_start_time", "start_time"]);
    let path = format!("/bookings/series/{}", made.body["series_id"].as_str().unwrap());
    let read = w.user(&app).get(&path).await.expect(200);
    assert_eq!(
        (&read.body["wall_start"], &read.body["version"]),
        (&json!("2027-03-02T10:00:00"), &json!(2))
    );
    // The old places are free, the new ones taken.
    make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=6")).await.expect(201);
    refused(make(&app, &w, series(&w, 10, "FREQ=DAILY;COUNT=6")).await, 409, "conflict", TAKEN);
    versions_have_no_gaps(&app).await;
    app.stop().await;
}

/// Each comes to lie where the next one lay; and back again.
async fn a_daily_series_moves_by_a_day(app: TestApp) {
    let w = World::new(&app, "dia.example").await;
    let made = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=6")).await.expect(201);
    let first = id_of(&made, 0);
    let moved = edit(&app, &w, &first, "all", at(3, 9)).await.expect(200);
    let days = |from: u32| -> Vec<String> {
        (from..from + 6).map(|day| format!("2027-03-{day:02}T12:00:00Z")).collect()
    };
    assert_eq!(starts(&moved), days(3));
    let moved = edit(&app, &w, &first, "all", at(2, 9)).await.expect(200);
    assert_eq!(starts(&moved), days(2));
    versions_have_no_gaps(&app).await;
    app.stop().await;
}

/// Half an hour later and longer: every claim overlaps its own old one.
async fn a_move_may_overlap_what_it_gives_up(app: TestApp) {
    let settings = json!({ "booking_interval": 30 });
    let w = World::with(&app, "meia.example", settings, json!({})).await;
    let made = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=4")).await.expect(201);
    let longer = json!({ "start_time": "2027-03-02T09:30:00", "end_time": "2027-03-02T11:00:00" });
    let moved = edit(&app, &w, &id_of(&made, 0), "all", longer).await.expect(200);
    for booking in moved.body["bookings"].as_array().unwrap() {
        assert!(booking["start_time"].as_str().unwrap().ends_with("T12:30:00Z"));
        assert!(booking["end_time"].as_str().unwrap().ends_with("T14:00:00Z"));
    }
    let shorter = json!({ "end_time": "2027-03-03T10:00:00" });
    let moved = edit(&app, &w, &id_of(&made, 1), "following", shorter).await.expect(200);
    assert_eq!(moved.body["bookings"].as_array().unwrap().len(), 3);
    app.stop().await;
}

async fn a_move_is_all_or_nothing(app: TestApp) {
    let w = World::new(&app, "nada.example").await;
    let made = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=6")).await.expect(201);
    let mut there = Vec::new();
    for day in [4, 6] {
        let (start, end) =
            (format!("2027-03-{day:02}T12:00:00"), format!("2027-03-{day:02}T13:00:00"));
        there.push(w.book(&app, &start, &end).await.expect(201).id());
    }
    let before = booking_events(&app).await.len();
    let answer = edit(&app, &w, &id_of(&made, 0), "all", at(2, 12)).await;
    let answer = refused(answer, 409, "conflict", TAKEN);
    let listed: Vec<&str> = answer.body["occurrences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["booking_id"].as_str().unwrap())
        .collect();
    assert_eq!(listed, [id_of(&made, 2), id_of(&made, 4)]);
    let conflicts: Vec<&str> = answer.body["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["booking_id"].as_str().unwrap())
        .collect();
    assert_eq!(conflicts, there);
    // By the rules: the last of them would be too far ahead.
    let far = edit(&app, &w, &id_of(&made, 0), "all", at(28, 9)).await;
    let far = well_refused(far, 400, "too_far_ahead");
    assert_eq!(far.body["occurrences"].as_array().unwrap().len(), 2);
    assert_eq!(booking_events(&app).await.len(), before);
    let list = w
        .user(&app)
        .get(&format!("/bookings/?series_id={}", made.body["series_id"].as_str().unwrap()))
        .await;
    assert!(list.body.as_array().unwrap().iter().all(|booking| booking["version"] == 1));
    app.stop().await;
}

async fn what_follows_becomes_a_series_of_its_own(app: TestApp) {
    let w = World::new(&app, "segue.example").await;
    let made = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=6")).await.expect(201);
    let moved = edit(&app, &w, &id_of(&made, 3), "following", at(5, 15)).await.expect(200);
    assert_eq!(starts(&moved), ["05", "06", "07"].map(|day| format!("2027-03-{day}T18:00:00Z")));
    let (old, new) = (&made.body["series_id"], &moved.body["series_id"]);
    assert_ne!(old, new);
    assert!(moved.body["bookings"].as_array().unwrap().iter().all(|it| it["series_id"] == *new));
    let read = async |id: &Value| {
        w.user(&app).get(&format!("/bookings/series/{}", id.as_str().unwrap())).await.expect(200)
    };
    let (first, second) = (read(old).await, read(new).await);
    assert_eq!((starts(&first).len(), starts(&second).len()), (3, 3));
    assert_eq!(first.body["ends_before"], "2027-03-05T12:00:00Z");
    assert_eq!(second.body["split_from"], *old);
    assert_eq!(second.body["wall_start"], "2027-03-05T15:00:00");
    // From the first one on they are all there are: nothing to split.
    let all = edit(&app, &w, &id_of(&made, 0), "following", at(2, 10)).await.expect(200);
    assert_eq!(all.body["series_id"], *old);
    versions_have_no_gaps(&app).await;
    app.stop().await;
}

async fn one_occurrence_keeps_its_series(app: TestApp) {
    let w = World::new(&app, "esta.example").await;
    let made = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=3")).await.expect(201);
    let second = id_of(&made, 1);
    let moved = edit(&app, &w, &second, "this", at(3, 15)).await.expect(200);
    assert_eq!(moved.body["start_time"], "2027-03-03T18:00:00Z");
    assert_eq!(moved.body["series_id"], made.body["series_id"]);
    assert_eq!(moved.body["original_start_time"], "2027-03-03T12:00:00Z");
    // The whole series an hour later: this one keeps its distance.
    let all = edit(&app, &w, &id_of(&made, 0), "all", at(2, 10)).await.expect(200);
    let expected = ["02T13", "03T19", "04T13"].map(|it| format!("2027-03-{it}:00:00Z"));
    assert_eq!(starts(&all), expected);
    assert_eq!(all.body["bookings"][1]["original_start_time"], "2027-03-03T13:00:00Z");
    let stale = [("if-match", "\"b-1\""), crate::ask::JSON];
    let path = format!("/bookings/{second}?scope=all");
    let answer = w.user(&app).raw("PUT", &path, &stale, "{\"notes\":\"x\"}").await;
    well_refused(answer, 412, "precondition_failed");
    app.stop().await;
}

async fn other_fields_are_set_on_each(app: TestApp) {
    let w = World::new(&app, "notas.example").await;
    let made = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=4")).await.expect(201);
    let first = id_of(&made, 0);
    let done = edit(&app, &w, &first, "all", json!({ "notes": "Trazer toalha" })).await.expect(200);
    assert!(
        done.body["bookings"].as_array().unwrap().iter().all(|it| it["notes"] == "Trazer toalha")
    );
    let before = booking_events(&app).await.len();
    assert_eq!(before, 8);
    edit(&app, &w, &first, "all", json!({ "notes": "Trazer toalha" })).await.expect(200);
    assert_eq!(booking_events(&app).await.len(), before, "a change of nothing has no event");
    edit(&app, &w, &first, "all", json!({ "status": "confirmado" })).await.expect(403);
    let path = format!("/bookings/{first}?scope=all");
    let confirmed = w.admin(&app).put(&path, json!({ "status": "confirmado" })).await.expect(200);
    assert!(
        confirmed.body["bookings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["status"] == "confirmado")
    );
    let room = w.room(&app, "Sala 2").await;
    let other = edit(&app, &w, &first, "all", json!({ "resource_id": room })).await.expect(200);
    assert!(
        other.body["bookings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["resource_id"] == room.as_str())
    );
    assert_eq!(starts(&other), starts(&made));
    make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=4")).await.expect(201);
    versions_have_no_gaps(&app).await;
    app.stop().await;
}

async fn what_is_over_stays(app: TestApp) {
    let mut w = World::new(&app, "passou.example").await;
    let made = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=4")).await.expect(201);
    let third = format!("/bookings/{}/status?status_param=sem_dados", id_of(&made, 2));
    w.user(&app).patch(&third, Value::Null).await.expect(200);
    w.wait(&app, TimeDelta::hours(26)).await;
    let moved = edit(&app, &w, &id_of(&made, 1), "all", at(3, 16)).await.expect(200);
    assert_eq!(starts(&moved), ["2027-03-03T19:00:00Z", "2027-03-05T19:00:00Z"]);
    for over in [0, 2] {
        let answer = edit(&app, &w, &id_of(&made, over), "all", at(3, 17)).await;
        well_refused(answer, 400, "occurrence_over");
    }
    app.stop().await;
}

async fn cancelling_obeys_the_policy_of_each(app: TestApp) {
    let w = World::new(&app, "desiste.example").await;
    // The first is less than a day away.
    let made = make(&app, &w, series(&w, 8, "FREQ=DAILY;COUNT=4")).await.expect(201);
    let path =
        |at: usize, scope: &str| format!("/bookings/{}/cancel?scope={scope}", id_of(&made, at));
    let body = json!({ "reason": "Férias" });
    let gone = w.user(&app).patch(&path(2, "following"), body.clone()).await.expect(200);
    assert_eq!(starts(&gone), ["2027-03-04T11:00:00Z", "2027-03-05T11:00:00Z"]);
    assert_eq!(gone.body["refused"], json!([]));
    assert!(
        gone.body["bookings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["cancellation_reason"] == "Férias")
    );
    let gone = w.user(&app).patch(&path(0, "all"), body.clone()).await.expect(200);
    assert_eq!(starts(&gone), ["2027-03-03T11:00:00Z"]);
    assert_eq!(gone.body["refused"][0]["code"], "too_late_to_cancel");
    assert_eq!(gone.body["refused"][0]["booking_id"], id_of(&made, 0));
    // Only the one for which it is too late is left.
    let answer = w.user(&app).patch(&path(0, "all"), body.clone()).await;
    let answer = well_refused(answer, 400, "too_late_to_cancel");
    assert_eq!(answer.body["occurrences"].as_array().unwrap().len(), 1);
    well_refused(w.user(&app).patch(&path(0, "this"), body).await, 400, "too_late_to_cancel");
    let events = booking_events(&app).await;
    assert_eq!(names(&events[4..]), ["booking.cancelled"; 3]);
    make(&app, &w, {
        let mut again = series(&w, 8, "FREQ=DAILY;COUNT=3");
        (again["start_time"], again["end_time"]) =
            (json!("2027-03-03T08:00:00"), json!("2027-03-03T09:00:00"));
        again
    })
    .await
    .expect(201);
    versions_have_no_gaps(&app).await;
    app.stop().await;
}

async fn a_booking_of_no_series_has_no_scope(app: TestApp) {
    let w = World::new(&app, "so.example").await;
    let one = w.book(&app, "2027-03-04T09:00:00", "2027-03-04T10:00:00").await.expect(201).id();
    let text = "A reserva não pertence a uma série.";
    for scope in ["all", "following"] {
        refused(
            edit(&app, &w, &one, scope, json!({ "notes": "x" })).await,
            400,
            "not_in_series",
            text,
        );
        let path = format!("/bookings/{one}/cancel?scope={scope}");
        refused(w.user(&app).patch(&path, Value::Null).await, 400, "not_in_series", text);
    }
    edit(&app, &w, &one, "this", json!({ "notes": "x" })).await.expect(200);
    edit(&app, &w, &one, "tudo", json!({ "notes": "x" })).await.expect(422);
    app.stop().await;
}

async fn only_who_may_change_one_may_change_all(app: TestApp) {
    let w = World::new(&app, "alheio.example").await;
    let made = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=2")).await.expect(201);
    let (_, maria) = w.join(&app, "maria", "user", json!({ "can_view_all_bookings": true })).await;
    let path = format!("/bookings/{}", id_of(&made, 0));
    let maria = crate::ask::by(&app, &maria);
    maria.put(&format!("{path}?scope=all"), json!({ "notes": "x" })).await.expect(403);
    maria.patch(&format!("{path}/cancel?scope=all"), Value::Null).await.expect(403);
    assert_eq!(app.events(Service::Booking).await.len(), 2);
    app.stop().await;
}
