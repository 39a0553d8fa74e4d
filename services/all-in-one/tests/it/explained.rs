//! Why a booking is refused, until when, and what could be had instead: and that it can.

use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::well_refused;
use crate::exceptions::except;
use crate::holds::body;
use crate::policy::{hour, of_resource, of_tenant};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    what_is_taken_tells_until_when_and_what_is_free,
    what_is_closed_tells_why_and_until_when,
    a_hold_tells_when_it_ends,
    a_change_may_go_where_the_booking_lies,
    whoever_has_enough_is_offered_nothing,
    a_length_nobody_may_have_is_offered_nowhere,
    the_room_before_a_time_to_come_may_be_taken_by_what_is_over,
);

/// Tuesday, a day after now.
const DAY: &str = "2027-03-02";

pub(crate) fn because(answer: &Answer, layer: &str, rule: &str, until: Option<&str>) {
    let mut expected = json!({ "layer": layer, "rule": rule });
    if let Some(until) = until {
        expected["until"] = json!(until);
    }
    assert_eq!(answer.body["explanation"], expected, "{}", answer.text);
}

/// The starts of the alternatives, local time.
pub(crate) fn instead(answer: &Answer) -> Vec<&str> {
    let rows = answer.body["alternatives"].as_array().unwrap_or_else(|| panic!("{}", answer.text));
    rows.iter().map(|row| &row["start_time"].as_str().unwrap()[..16]).collect()
}

/// Every alternative of an answer is booked.
pub(crate) async fn take_them(app: &TestApp, w: &World, answer: &Answer) {
    for time in answer.body["alternatives"].as_array().unwrap() {
        let (start, end) =
            (time["start_time"].as_str().unwrap(), time["end_time"].as_str().unwrap());
        w.book(app, start, end).await.expect(201);
    }
}

async fn what_is_taken_tells_until_when_and_what_is_free(app: TestApp) {
    let w = World::new(&app, "ocupada.example").await;
    hour(&app, &w, DAY, 10).await.expect(201);
    let refused = well_refused(hour(&app, &w, DAY, 10).await, 409, "conflict");
    because(&refused, "busy", "conflict", Some("2027-03-02T11:00:00-03:00"));
    assert_eq!(instead(&refused), ["2027-03-02T09:00", "2027-03-02T11:00", "2027-03-02T08:00"]);
    take_them(&app, &w, &refused).await;
    let again = well_refused(hour(&app, &w, DAY, 10).await, 409, "conflict");
    because(&again, "busy", "conflict", Some("2027-03-02T12:00:00-03:00"));
    assert_eq!(instead(&again), ["2027-03-02T12:00", "2027-03-02T07:00", "2027-03-02T13:00"]);
    // A hold is refused like a booking.
    let hold = body(&w, "2027-03-02T10:00:00", "2027-03-02T11:00:00");
    let hold = well_refused(w.user(&app).post("/bookings/holds", hold).await, 409, "conflict");
    assert_eq!(hold.body["alternatives"], again.body["alternatives"]);
    app.stop().await;
}

async fn what_is_closed_tells_why_and_until_when(app: TestApp) {
    let w = World::new(&app, "fechada.example").await;
    let why = json!({ "reason": "Feriado municipal" });
    except(&app, &w, "holiday", DAY, why).await.expect(201);
    app.settle().await;
    let refused = well_refused(hour(&app, &w, DAY, 10).await, 400, "closure");
    let expected = json!({
        "layer": "closure", "rule": "closure", "reason": "Feriado municipal",
        "until": "2027-03-03T00:00:00-03:00",
    });
    assert_eq!(refused.body["explanation"], expected);
    // Monday evening is nearer than Wednesday morning.
    assert_eq!(instead(&refused), ["2027-03-01T21:00", "2027-03-01T20:00", "2027-03-01T19:00"]);
    take_them(&app, &w, &refused).await;
    let night = well_refused(hour(&app, &w, "2027-03-03", 3).await, 400, "outside_working_hours");
    because(&night, "open", "outside_working_hours", Some("2027-03-03T06:00:00-03:00"));
    assert_eq!(instead(&night)[0], "2027-03-03T06:00");
    app.stop().await;
}

async fn a_hold_tells_when_it_ends(app: TestApp) {
    let w = World::new(&app, "retencao.example").await;
    let hold = body(&w, "2027-03-02T10:00:00", "2027-03-02T11:00:00");
    w.user(&app).post("/bookings/holds", hold).await.expect(201);
    let refused = well_refused(hour(&app, &w, DAY, 10).await, 409, "held");
    because(&refused, "busy", "held", Some("2027-03-01T09:10:00-03:00"));
    assert_eq!(instead(&refused).len(), 3);
    app.stop().await;
}

async fn a_change_may_go_where_the_booking_lies(app: TestApp) {
    let w = World::new(&app, "mudanca.example").await;
    hour(&app, &w, DAY, 10).await.expect(201);
    let own = hour(&app, &w, DAY, 12).await.expect(201);
    let path = format!("/bookings/{}", own.id());
    let time = json!({
        "start_time": "2027-03-02T10:00:00", "end_time": "2027-03-02T12:00:00",
    });
    let refused = well_refused(w.user(&app).put(&path, time).await, 409, "conflict");
    because(&refused, "busy", "conflict", Some("2027-03-02T11:00:00-03:00"));
    // From eleven to one: over its own hour.
    assert_eq!(instead(&refused), ["2027-03-02T11:00", "2027-03-02T08:00", "2027-03-02T12:00"]);
    let first = &refused.body["alternatives"][0];
    let time = json!({ "start_time": first["start_time"], "end_time": first["end_time"] });
    w.user(&app).put(&path, time).await.expect(200);
    app.stop().await;
}

async fn whoever_has_enough_is_offered_nothing(app: TestApp) {
    let w = World::new(&app, "limitada.example").await;
    let limit = json!({ "limits": [{ "per": "day", "bookings": 1 }] });
    of_tenant(&app, &w, limit).await;
    hour(&app, &w, DAY, 10).await.expect(201);
    let refused = well_refused(hour(&app, &w, DAY, 12).await, 400, "limit_exceeded");
    because(&refused, "policy", "limit_exceeded", None);
    assert_eq!(refused.body["alternatives"], json!([]));
    app.stop().await;
}

async fn a_length_nobody_may_have_is_offered_nowhere(app: TestApp) {
    let w = World::new(&app, "longas.example").await;
    of_tenant(&app, &w, json!({ "max_duration_minutes": 60 })).await;
    let long = w.book(&app, "2027-03-02T10:00:00", "2027-03-02T12:00:00").await;
    let refused = well_refused(long, 400, "too_long");
    because(&refused, "policy", "too_long", None);
    assert_eq!(refused.body["alternatives"], json!([]));
    // What is no refusal by the engine has no explanation.
    let nobody =
        w.user(&app).put("/bookings/00000000-0000-7000-8000-000000000000", json!({})).await;
    assert_eq!(nobody.expect(404).body.get("explanation"), None::<&Value>);
    app.stop().await;
}

/// 09:00 there; what took place until 11:00 is in the way of who needs the two hours before noon.
async fn the_room_before_a_time_to_come_may_be_taken_by_what_is_over(app: TestApp) {
    let mut w = World::new(&app, "antes.example").await;
    of_resource(&app, &w, json!({ "buffer_before_minutes": 120 })).await;
    let today = "2027-03-01";
    hour(&app, &w, today, 10).await.expect(201);
    w.wait(&app, TimeDelta::minutes(125)).await;
    let refused = well_refused(hour(&app, &w, today, 12).await, 409, "conflict");
    assert_eq!(instead(&refused), ["2027-03-01T13:00", "2027-03-01T14:00", "2027-03-01T15:00"]);
    let first = &refused.body["alternatives"][0];
    let (start, end) = (first["start_time"].as_str().unwrap(), first["end_time"].as_str().unwrap());
    w.book(&app, start, end).await.expect(201);
    app.stop().await;
}
