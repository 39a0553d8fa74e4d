//! The waiting list: who joins, who is served, in what order, and what becomes of an offer.

use chrono::TimeDelta;
use contracts::Service;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{booking_events, by, column, names, refused, well_refused};
use crate::holds::body;
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    one_waits_for_what_is_full_and_for_nothing_else,
    a_freed_place_goes_to_the_first_who_fits_and_then_to_the_next,
    an_offer_is_confirmed_by_who_waited,
    places_of_a_shared_resource_are_offered_once_each,
    more_capacity_and_nobody_coming_make_room,
    entries_go_with_their_time_their_user_and_their_resource,
    what_one_waits_for_is_in_the_export,
);

const START: &str = "2027-03-04T13:00:00Z";
const END: &str = "2027-03-04T14:00:00Z";
const LIST: &str = "/bookings/waitlist";
const OFFER: &str = "offer freed places";
const LOOK: &str = "look over the waiting list";

/// A user who may book, and waits for the full time: id, token, entry.
async fn waiting(app: &TestApp, w: &World, name: &str) -> (String, String, String) {
    let (user, token) = w.join(app, name, "user", json!({ "can_book": true })).await;
    let mut body = body(w, START, END);
    body["user_id"] = json!(user);
    let entry = by(app, &token).post(LIST, body).await.expect(201).id();
    (user, token, entry)
}

async fn one_waits_for_what_is_full_and_for_nothing_else(app: TestApp) {
    let w = World::new(&app, "espera.example").await;
    let ask = || body(&w, START, END);
    let answer = w.user(&app).post(LIST, ask()).await;
    refused(answer, 409, "slot_is_free", "O horário está livre: faça a reserva.");
    w.book(&app, START, END).await.expect(201);
    let made = w.user(&app).post(LIST, ask()).await.expect(201);
    assert_eq!((&made.body["status"], &made.body["position"]), (&json!("aguardando"), &json!(1)));
    assert!(made.body.get("hold_token").is_none(), "{}", made.text);
    let answer = w.user(&app).post(LIST, ask()).await;
    let message = "Você já está na lista de espera deste horário.";
    refused(answer, 409, "already_waiting", message);
    let mut odd = body(&w, "2027-03-04T13:30:00Z", "2027-03-04T14:30:00Z");
    well_refused(w.user(&app).post(LIST, odd.clone()).await, 400, "off_grid");
    odd["user_id"] = json!(w.admin);
    well_refused(w.user(&app).post(LIST, odd).await, 403, "forbidden");
    let (_, token, entry) = waiting(&app, &w, "segunda").await;
    let second = by(&app, &token);
    let seen = second.get(&format!("{LIST}?count=true")).await.expect(200);
    assert_eq!(column(&seen, "id"), [entry.as_str()], "a plain user sees his own");
    assert_eq!(seen.body[0]["position"], 2);
    let both = w.admin(&app).get(&format!("{LIST}?limit=1&count=true")).await.expect(200);
    assert_eq!(
        (both.header("x-total-count"), column(&both, "user_id")),
        ("2", vec![w.user.clone()])
    );
    let next = both.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    let next = next.split_once("marca.test:8000").unwrap().1.to_owned();
    let rest = w.admin(&app).get(&next).await.expect(200);
    assert_eq!(column(&rest, "id"), [entry.as_str()]);
    let none = second.get(&format!("{LIST}?user_id={}", w.user)).await.expect(200);
    assert_eq!(none.body, json!([]));
    // Who leaves makes the next move up.
    let own = format!("{LIST}/{}", made.id());
    well_refused(second.delete(&own).await, 403, "forbidden");
    w.user(&app).delete(&own).await.expect(204);
    let answer = w.user(&app).delete(&own).await;
    refused(answer, 404, "not_found", "Entrada da lista de espera não encontrada");
    assert_eq!(second.get(LIST).await.expect(200).body[0]["position"], 1);
    assert_eq!(booking_events(&app).await.len(), 1, "waiting is nobody's business yet");
    app.stop().await;
}

async fn a_freed_place_goes_to_the_first_who_fits_and_then_to_the_next(app: TestApp) {
    let mut w = World::new(&app, "vez.example").await;
    let booked = w.book(&app, START, END).await.expect(201).id();
    let first = waiting(&app, &w, "primeira").await;
    let second = waiting(&app, &w, "segunda").await;
    app.run_job(OFFER).await.unwrap();
    assert_eq!(booking_events(&app).await.len(), 1);
    w.user(&app).patch(&format!("/bookings/{booked}/cancel"), Value::Null).await.expect(200);
    for _ in 0..3 {
        app.run_job(OFFER).await.unwrap();
        app.run_job(LOOK).await.unwrap();
    }
    let events = booking_events(&app).await;
    let all = ["booking.created", "booking.cancelled", "booking.created", "waitlist.offered"];
    assert_eq!(names(&events), all, "one place, one offer");
    let offer = &events[3].payload;
    assert_eq!((&offer["entry_id"], &offer["user_id"]), (&json!(first.2), &json!(first.0)));
    assert_eq!(offer["booking_id"], events[2].payload["booking_id"]);
    assert_eq!(offer["expires_at"], "2027-03-01T12:10:00Z");
    let mine = by(&app, &first.1).get(LIST).await.expect(200);
    assert_eq!(mine.body[0]["status"], "oferecida");
    let token = mine.body[0]["hold_token"].as_str().unwrap();
    assert!(token.starts_with("mh_") && !format!("{events:?}").contains(token));
    let others = w.admin(&app).get(LIST).await.expect(200);
    assert!(!others.text.contains(token), "the token is for who waits");
    well_refused(w.book(&app, START, END).await, 409, "held");
    // Not taken in time: the next.
    app.clock.advance(TimeDelta::minutes(10));
    app.run_job(LOOK).await.unwrap();
    let mine = by(&app, &first.1).get(LIST).await.expect(200);
    assert_eq!(mine.body[0]["status"], "perdida");
    assert!(mine.body[0].get("hold_token").is_none());
    let mine = by(&app, &second.1).get(LIST).await.expect(200);
    assert_eq!(
        (&mine.body[0]["status"], &mine.body[0]["position"]),
        (&json!("oferecida"), &Value::Null)
    );
    // The second one leaves: nobody is left, and the time is free.
    by(&app, &second.1).delete(&format!("{LIST}/{}", second.2)).await.expect(204);
    app.run_job(OFFER).await.unwrap();
    w.wait(&app, TimeDelta::zero()).await;
    w.book(&app, START, END).await.expect(201);
    let events = booking_events(&app).await;
    assert_eq!(
        names(&events)[4..],
        [
            "booking.cancelled",
            "booking.created",
            "waitlist.offered",
            "booking.cancelled",
            "booking.created",
        ]
    );
    app.stop().await;
}

async fn an_offer_is_confirmed_by_who_waited(app: TestApp) {
    let w = World::new(&app, "aceita.example").await;
    let booked = w.book(&app, START, END).await.expect(201).id();
    let (user, token, entry) = waiting(&app, &w, "ansiosa").await;
    let moved = json!({ "start_time": "2027-03-05T13:00:00Z", "end_time": "2027-03-05T14:00:00Z" });
    w.user(&app).put(&format!("/bookings/{booked}"), moved).await.expect(200);
    app.run_job(OFFER).await.unwrap();
    let mine = by(&app, &token).get(LIST).await.expect(200).body[0].clone();
    let hold = json!({ "hold_token": mine["hold_token"] });
    let confirm = format!("/bookings/holds/{}/confirm", mine["booking_id"].as_str().unwrap());
    well_refused(w.user(&app).post(&confirm, hold.clone()).await, 403, "forbidden");
    let done = by(&app, &token).post(&confirm, hold).await.expect(200);
    assert_eq!((&done.body["user_id"], &done.body["status"]), (&json!(user), &json!("pendente")));
    app.clock.advance(TimeDelta::minutes(14));
    app.run_job(LOOK).await.unwrap();
    let mine = by(&app, &token).get(LIST).await.expect(200).body[0].clone();
    assert_eq!((&mine["status"], &mine["expires_at"]), (&json!("aceita"), &Value::Null));
    by(&app, &token).delete(&format!("{LIST}/{entry}")).await.expect(204);
    let path = format!("/bookings/{}", done.id());
    assert_eq!(by(&app, &token).get(&path).await.expect(200).body["status"], "pendente");
    app.stop().await;
}

/// A resource that three share.
async fn shared(app: &TestApp, w: &World) -> String {
    let category = json!({
        "tenant_id": w.tenant, "name": "Turmas", "type": "fisico",
        "category_metadata": { "allows_multiple_bookings": true },
    });
    let category = w.admin(app).post("/categories/", category).await.expect(201).id();
    let resource =
        json!({ "tenant_id": w.tenant, "category_id": category, "name": "Turma", "capacity": 3 });
    w.admin(app).post("/resources/", resource).await.expect(201).id()
}

async fn places_of_a_shared_resource_are_offered_once_each(app: TestApp) {
    let mut w = World::new(&app, "vagas.example").await;
    w.resource = shared(&app, &w).await;
    let mut booking = w.booking(START, END);
    booking["quantity"] = json!(2);
    let two = w.user(&app).post("/bookings/", booking.clone()).await.expect(201).id();
    booking["quantity"] = json!(1);
    w.user(&app).post("/bookings/", booking).await.expect(201);
    let mut entries = Vec::new();
    for (name, quantity) in [("tres", 3), ("uma", 1), ("duas", 2), ("outra", 1)] {
        let (user, token) = w.join(&app, name, "user", json!({ "can_book": true })).await;
        let mut body = body(&w, START, END);
        (body["user_id"], body["quantity"]) = (json!(user), json!(quantity));
        entries.push(by(&app, &token).post(LIST, body).await.expect(201).id());
    }
    let mut never = body(&w, START, END);
    never["quantity"] = json!(4);
    never["start_time"] = json!("2027-03-04T14:00:00Z");
    never["end_time"] = json!("2027-03-04T15:00:00Z");
    well_refused(w.user(&app).post(LIST, never).await, 409, "capacity_exceeded");
    w.user(&app).patch(&format!("/bookings/{two}/cancel"), Value::Null).await.expect(200);
    // Every replica's job at once.
    let jobs = (0..6).map(|turn| {
        let app = &app;
        async move { app.run_job(if turn % 2 == 0 { OFFER } else { LOOK }).await.unwrap() }
    });
    futures_util::future::join_all(jobs).await;
    let list = w.admin(&app).get(LIST).await.expect(200);
    let states = column(&list, "status");
    assert_eq!(column(&list, "id"), entries);
    assert_eq!(states, ["aguardando", "oferecida", "aguardando", "oferecida"]);
    let places: Vec<&Value> =
        list.body.as_array().unwrap().iter().map(|row| &row["position"]).collect();
    assert_eq!(places, [&json!(1), &Value::Null, &json!(2), &Value::Null]);
    let offers = booking_events(&app).await;
    assert_eq!(names(&offers).iter().filter(|name| **name == "waitlist.offered").count(), 2);
    app.stop().await;
}

async fn more_capacity_and_nobody_coming_make_room(app: TestApp) {
    let policy = json!({
        "booking_policy": { "no_show_minutes": 5 }, "booking_interval": 5, "cancellation_hours": 0,
    });
    let mut w = World::with(&app, "lugar.example", policy, json!({})).await;
    w.resource = shared(&app, &w).await;
    let (start, late, end) =
        ("2027-03-01T13:00:00Z", "2027-03-01T13:30:00Z", "2027-03-01T14:00:00Z");
    let mut booking = w.booking(start, end);
    (booking["quantity"], booking["status"]) = (json!(3), json!("confirmado"));
    w.admin(&app).post("/bookings/", booking).await.expect(201);
    let mut ask = body(&w, late, end);
    w.user(&app).post(LIST, ask.clone()).await.expect(201);
    ask["user_id"] = json!(w.admin);
    w.admin(&app).post(LIST, ask).await.expect(201);
    let room = format!("/resources/{}", w.resource);
    w.admin(&app).put(&room, json!({ "capacity": 4 })).await.expect(200);
    app.settle().await;
    app.run_job(OFFER).await.unwrap();
    let states = async |w: &World| column(&w.admin(&app).get(LIST).await.expect(200), "status");
    assert_eq!(states(&w).await, ["oferecida", "aguardando"]);
    w.wait(&app, TimeDelta::minutes(65)).await;
    app.run_job("finish bookings").await.unwrap();
    app.run_job(OFFER).await.unwrap();
    assert_eq!(states(&w).await, ["perdida", "oferecida"]);
    app.stop().await;
}

async fn entries_go_with_their_time_their_user_and_their_resource(app: TestApp) {
    let w = World::new(&app, "vai.example").await;
    w.book(&app, START, END).await.expect(201);
    let (user, _, _) = waiting(&app, &w, "embora").await;
    let (erased, _, _) = waiting(&app, &w, "apagada").await;
    waiting(&app, &w, "fica").await;
    w.admin(&app).delete(&format!("/users/{user}")).await.expect(204);
    w.admin(&app).post(&format!("/users/{erased}/erasure"), Value::Null).await.expect(204);
    app.settle().await;
    let left = w.admin(&app).get(LIST).await.expect(200);
    assert_eq!(left.body.as_array().unwrap().len(), 1, "{}", left.text);
    w.admin(&app).delete(&format!("/resources/{}", w.resource)).await.expect(204);
    app.settle().await;
    app.run_job(OFFER).await.unwrap();
    assert_eq!(w.admin(&app).get(LIST).await.expect(200).body, json!([]));
    let other = World::new(&app, "tempo.example").await;
    other.book(&app, START, END).await.expect(201);
    waiting(&app, &other, "tarde").await;
    app.clock.set("2027-03-04T13:00:00Z".parse().unwrap());
    app.run_job(LOOK).await.unwrap();
    assert_eq!(app.execute(Service::Booking, "DELETE FROM waitlist_entry").await, 0);
    app.stop().await;
}

async fn what_one_waits_for_is_in_the_export(app: TestApp) {
    let w = World::new(&app, "sabe.example").await;
    let booked = w.book(&app, START, END).await.expect(201).id();
    let entry = w.user(&app).post(LIST, body(&w, START, END)).await.expect(201).id();
    let document = crate::privacy::export(&app, w.user(&app), &w.user).await;
    assert_eq!(document.body["bookings"][0]["id"], booked.as_str());
    assert_eq!(document.body["waitlist"][0]["id"], entry.as_str());
    assert_eq!(document.body["waitlist"].as_array().unwrap().len(), 1);
    app.stop().await;
}
