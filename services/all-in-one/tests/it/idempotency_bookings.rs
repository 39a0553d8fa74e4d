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
