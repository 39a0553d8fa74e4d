//! `Idempotency-Key` on bookings and holds: a client that retries blindly makes one booking.

use futures_util::future::join_all;
use serde_json::json;
use testkit::app::TestApp;

use crate::ask::{booking_events, names, refused};
use crate::idempotency::{keyed, one_of, same};
use crate::world::{World, twin};

testkit::on_both_engines!(crate::world::guarded =>
    a_booking_that_is_asked_for_again_is_the_same,
    a_refused_booking_may_be_asked_for_again,
    a_hundred_blind_retries_make_one_booking,
    a_hold_keeps_its_token,
    a_hold_is_extended_and_confirmed_once,
    a_series_and_a_group_are_made_once,
    one_waits_once,
);

const KEY: &str = "3b0f6f0e-7a6c-4f66-8d59-0a35c1f4c1aa";
const START: &str = "2027-03-02T13:00:00Z";
const END: &str = "2027-03-02T14:00:00Z";

async fn a_booking_that_is_asked_for_again_is_the_same(app: TestApp) {
    let w = World::new(&app, "repetida.example").await;
    let body = w.booking(START, END);
    let first = keyed(w.user(&app), "/bookings/", KEY, &body).await.expect(201);
    assert_eq!(first.header("etag"), "\"b-1\"");
    same(&first, &keyed(w.user(&app), "/bookings/", KEY, &body).await);
    // Whatever has become of it.
    let cancel = format!("/bookings/{}/cancel", first.id());
    w.user(&app).patch(&cancel, json!({})).await.expect(200);
    w.book(&app, START, END).await.expect(201);
    same(&first, &keyed(w.user(&app), "/bookings/", KEY, &body).await);
    let events = booking_events(&app).await;
    assert_eq!(names(&events), ["booking.created", "booking.cancelled", "booking.created"]);
    let longer = w.booking(START, "2027-03-02T15:00:00Z");
    let other = keyed(w.user(&app), "/bookings/", KEY, &longer).await;
    let reused = "A Idempotency-Key já foi usada com outra requisição.";
    refused(other, 422, "idempotency_key_reused", reused);
    app.stop().await;
}

async fn a_refused_booking_may_be_asked_for_again(app: TestApp) {
    let w = World::new(&app, "recusada.example").await;
    let body = w.booking(START, END);
    let taken = w.book(&app, START, END).await.expect(201);
    keyed(w.user(&app), "/bookings/", KEY, &body).await.expect(409);
    let cancel = format!("/bookings/{}/cancel", taken.id());
    w.user(&app).patch(&cancel, json!({})).await.expect(200);
    let made = keyed(w.user(&app), "/bookings/", KEY, &body).await.expect(201);
    assert_eq!(made.header("idempotent-replayed"), "");
    same(&made, &keyed(w.user(&app), "/bookings/", KEY, &body).await);
    app.stop().await;
}

async fn a_hundred_blind_retries_make_one_booking(app: TestApp) {
    let w = World::new(&app, "cega.example").await;
    let replica = twin(&app, &[]).await;
    let body = w.booking(START, END);
    let ask = |number: usize| {
        let app = if number.is_multiple_of(2) { &app } else { &replica };
        keyed(w.user(app), "/bookings/", KEY, &body)
    };
    one_of(&join_all((0..100).map(ask)).await);
    let list = w.user(&app).get("/bookings/").await.expect(200);
    assert_eq!(list.body.as_array().unwrap().len(), 1);
    assert_eq!(names(&booking_events(&app).await), ["booking.created"]);
    replica.stop().await;
    app.stop().await;
}

async fn a_hold_keeps_its_token(app: TestApp) {
    let w = World::new(&app, "retida.example").await;
    let body = w.booking(START, END);
    let first = keyed(w.user(&app), "/bookings/holds", KEY, &body).await.expect(201);
    let again = keyed(w.user(&app), "/bookings/holds", KEY, &body).await;
    same(&first, &again);
    assert!(again.body["hold_token"].as_str().is_some_and(|token| !token.is_empty()));
    app.stop().await;
}

async fn a_hold_is_extended_and_confirmed_once(app: TestApp) {
    let w = World::new(&app, "firme.example").await;
    let held = w.user(&app).post("/bookings/holds", w.booking(START, END)).await.expect(201);
    let token = json!({ "hold_token": held.body["hold_token"] });
    for (path, etag) in [("extend", "\"b-2\""), ("confirm", "\"b-3\"")] {
        let path = format!("/bookings/holds/{}/{path}", held.id());
        let first = keyed(w.user(&app), &path, KEY, &token).await.expect(200);
        assert_eq!(first.header("etag"), etag);
        same(&first, &keyed(w.user(&app), &path, KEY, &token).await);
    }
    app.stop().await;
}

async fn a_series_and_a_group_are_made_once(app: TestApp) {
    let w = World::new(&app, "juntas.example").await;
    let mut series = w.booking(START, END);
    series["rrule"] = json!("FREQ=DAILY;COUNT=3");
    let first = keyed(w.user(&app), "/bookings/series", KEY, &series).await.expect(201);
    same(&first, &keyed(w.user(&app), "/bookings/series", KEY, &series).await);
    // The other way to ask for one, with its count.
    let mut plain = w.booking("2027-03-02T16:00:00Z", "2027-03-02T17:00:00Z");
    plain["recurring_enabled"] = json!(true);
    plain["recurring_pattern"] = json!({ "frequency": "daily", "end_date": "2027-03-03" });
    let first = keyed(w.user(&app), "/bookings/", KEY, &plain).await.expect(201);
    let again = keyed(w.user(&app), "/bookings/", KEY, &plain).await;
    same(&first, &again);
    assert_eq!([first.header("x-series-count"), again.header("x-series-count")], ["2", "2"]);
    let mut group = w.booking("2027-03-02T18:00:00Z", "2027-03-02T19:00:00Z");
    group["items"] = json!([{ "resource_id": group["resource_id"] }]);
    group.as_object_mut().unwrap().remove("resource_id");
    let first = keyed(w.user(&app), "/bookings/groups", KEY, &group).await.expect(201);
    same(&first, &keyed(w.user(&app), "/bookings/groups", KEY, &group).await);
    let list = w.user(&app).get("/bookings/").await.expect(200);
    assert_eq!(list.body.as_array().unwrap().len(), 6);
    app.stop().await;
}

async fn one_waits_once(app: TestApp) {
    let w = World::new(&app, "espera.example").await;
    w.book(&app, START, END).await.expect(201);
    let mut body = w.booking(START, END);
    body.as_object_mut().unwrap().retain(|name, _| name != "client_id");
    let first = keyed(w.user(&app), "/bookings/waitlist", KEY, &body).await.expect(201);
    same(&first, &keyed(w.user(&app), "/bookings/waitlist", KEY, &body).await);
    let twice = w.user(&app).post("/bookings/waitlist", body).await.expect(409);
    assert_eq!(twice.body["error"], "already_waiting");
    app.stop().await;
}
