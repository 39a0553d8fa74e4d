//! Links to bookings: what whoever has one sees and does, and when it is nothing.

use chrono::TimeDelta;
use contracts::Service;
use http::Method;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{By, booking_events, by, invalid, keys, names, refused, well_refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    a_link_shows_moves_and_cancels_one_booking,
    who_may_change_a_booking_makes_lists_and_revokes_its_links,
    a_link_ends_when_it_was_to_end,
    the_rules_are_those_of_the_owner,
    a_taken_place_and_a_late_cancellation_change_nothing,
    a_link_allows_what_it_was_made_for,
    what_has_changed_since_is_not_changed_blindly,
    of_two_moves_one_wins,
    a_cancelled_booking_is_still_seen,
);

/// Thursday 13:00 UTC is 10:00 there.
pub(crate) const START: &str = "2027-03-04T13:00:00Z";
pub(crate) const END: &str = "2027-03-04T14:00:00Z";
pub(crate) const LATER: &str = "2027-03-04T15:00:00Z";
pub(crate) const LATER_END: &str = "2027-03-04T16:00:00Z";
pub(crate) const NO_LINK: &str = "Link não encontrado";

/// A link that was made.
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) token: String,
    /// Where it leads.
    pub(crate) path: String,
}

/// Makes a link to a booking.
pub(crate) async fn make_link(who: By<'_>, booking: &str, body: Value) -> Link {
    let made = who.post(&format!("/bookings/{booking}/links"), body).await.expect(201);
    let token = made.body["token"].as_str().unwrap().to_owned();
    Link { id: made.id(), path: format!("/bookings/links/{token}"), token }
}

/// The user's booking at [`START`], and a link to it that the user made.
pub(crate) async fn booked(app: &TestApp, w: &World) -> (String, Link) {
    let booking = w.book(app, START, END).await.expect(201).id();
    let link = make_link(w.user(app), &booking, Value::Null).await;
    (booking, link)
}

pub(crate) fn to(start: &str, end: &str) -> Value {
    json!({ "start_time": start, "end_time": end })
}

async fn move_at(app: &TestApp, path: &str, tag: &str, body: &Value) -> Answer {
    let headers = [crate::ask::JSON, ("if-match", tag)];
    by(app, "").raw("PUT", path, &headers, &body.to_string()).await
}

async fn a_link_shows_moves_and_cancels_one_booking(app: TestApp) {
    let w = World::new(&app, "elo.example").await;
    let mut body = w.booking(START, END);
    body["notes"] = json!("segredo de João");
    let booking = w.user(&app).post("/bookings/", body).await.expect(201);
    let (code, booking) = (booking.body["confirmation_code"].clone(), booking.id());
    let link = make_link(w.user(&app), &booking, Value::Null).await;
    let seen = app.get(&link.path).await.expect(200);
    let labels = json!({
        "resource_singular": "Sala", "resource_plural": "Salas", "booking_label": "Aula",
        "user_label": "Aluno",
    });
    let expected = json!({
        "id": booking, "confirmation_code": code, "status": "pendente",
        "start_time": START, "end_time": END, "quantity": 1,
        "resource_name": "Sala 1 - Spinning", "tenant_name": "Academia Fit",
        "timezone": "America/Sao_Paulo", "custom_labels": labels,
        "can_move": true, "move_until": START, "can_cancel": true,
        "cancel_until": "2027-03-03T13:00:00Z", "version": 1, "expires_at": START,
    });
    assert_eq!(seen.body, expected);
    assert_eq!(seen.header("etag"), "\"b-1\"");
    for name in [&w.user, &w.admin, &w.tenant, &w.resource] {
        assert!(!seen.text.contains(name.as_str()), "{}", seen.text);
    }
    let moved = app.put(&link.path, to(LATER, LATER_END)).await.expect(200);
    assert_eq!((&moved.body["start_time"], &moved.body["version"]), (&json!(LATER), &json!(2)));
    assert_eq!(moved.header("etag"), "\"b-2\"");
    assert_eq!(keys(&moved.body), keys(&seen.body));
    let own = w.user(&app).get(&format!("/bookings/{booking}")).await.expect(200);
    assert_eq!((&own.body["id"], &own.body["start_time"]), (&json!(booking), &json!(LATER)));
    assert_eq!(own.body["notes"], "segredo de João");
    let reason = json!({ "reason": "imprevisto" });
    let gone = app.call(Method::DELETE, &link.path, "", reason).await.expect(200);
    assert_eq!((&gone.body["status"], &gone.body["version"]), (&json!("cancelado"), &json!(3)));
    assert_eq!((&gone.body["can_move"], &gone.body["can_cancel"]), (&json!(false), &json!(false)));
    assert_eq!(
        (&gone.body["move_until"], &gone.body["cancel_until"]),
        (&Value::Null, &Value::Null)
    );
    for answer in [&seen, &moved, &gone] {
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
    let events = booking_events(&app).await;
    assert_eq!(names(&events), ["booking.created", "booking.updated", "booking.cancelled"]);
    for (event, sequence) in events[1..].iter().zip(2..) {
        assert_eq!(event.payload["link_id"], link.id.as_str(), "told to be done by the link");
        assert_eq!(event.metadata.sequence, sequence);
    }
    assert_eq!(events[2].payload["cancelled_by"], w.user.as_str(), "in the owner's name");
    assert_eq!(events[2].payload["reason"], "imprevisto");
    app.stop().await;
}

async fn who_may_change_a_booking_makes_lists_and_revokes_its_links(app: TestApp) {
    let w = World::new(&app, "donos.example").await;
    let stranger = World::new(&app, "alheio.example").await;
    let (booking, link) = booked(&app, &w).await;
    let path = format!("/bookings/{booking}/links");
    let one = format!("{path}/{}", link.id);
    let powers = json!({ "can_book": true, "can_view_all_bookings": true });
    let (_, viewer) = w.join(&app, "olheiro", "user", powers.clone()).await;
    let (_, key) = w.key(&app, powers).await;
    for (token, status, code) in [
        (&viewer, 403, "forbidden"),
        (&stranger.admin_token, 404, "not_found"),
        (&stranger.user_token, 404, "not_found"),
        (&String::new(), 401, "unauthorized"),
    ] {
        well_refused(by(&app, token).post(&path, Value::Null).await, status, code);
        well_refused(by(&app, token).get(&path).await, status, code);
        well_refused(by(&app, token).delete(&one).await, status, code);
    }
    app.get(&link.path).await.expect(200);
    // Ten at a time, by whoever may.
    for number in 1..10 {
        let who = if number % 2 == 0 { w.admin(&app) } else { by(&app, &key) };
        make_link(who, &booking, Value::Null).await;
    }
    let answer = w.user(&app).post(&path, Value::Null).await;
    let answer = refused(answer, 409, "too_many_links", "A reserva já tem 10 links ativos.");
    assert_eq!(answer.body["limit"], 10);
    let list = w.admin(&app).get(&path).await.expect(200);
    assert_eq!(list.body.as_array().unwrap().len(), 10);
    assert_eq!(list.body[0]["id"], link.id.as_str(), "the oldest first");
    // Of another booking it is none.
    let other = w.book(&app, LATER, LATER_END).await.expect(201).id();
    let wrong = format!("/bookings/{other}/links/{}", link.id);
    refused(w.user(&app).delete(&wrong).await, 404, "not_found", NO_LINK);
    w.user(&app).delete(&one).await.expect(204);
    refused(w.user(&app).delete(&one).await, 404, "not_found", NO_LINK);
    for method in [Method::GET, Method::DELETE] {
        refused(app.call(method, &link.path, "", Value::Null).await, 404, "not_found", NO_LINK);
    }
    refused(app.put(&link.path, to(LATER, LATER_END)).await, 404, "not_found", NO_LINK);
    make_link(w.user(&app), &booking, Value::Null).await;
    // A hold is no booking yet.
    let hold = crate::holds::body(&w, "2027-03-05T13:00:00Z", "2027-03-05T14:00:00Z");
    let hold = w.user(&app).post("/bookings/holds", hold).await.expect(201).id();
    let answer = w.user(&app).post(&format!("/bookings/{hold}/links"), Value::Null).await;
    well_refused(answer, 400, "hold");
    app.stop().await;
}

async fn a_link_ends_when_it_was_to_end(app: TestApp) {
    let w = World::new(&app, "prazo.example").await;
    let booking = w.book(&app, START, END).await.expect(201).id();
    let path = format!("/bookings/{booking}/links");
    for end in ["2027-03-01T12:00:00Z", "2027-05-30T12:00:01Z", "2026-01-01T00:00:00Z"] {
        let answer = w.user(&app).post(&path, json!({ "expires_at": end })).await;
        invalid(answer, &["expires_at"]);
    }
    invalid(w.user(&app).post(&path, json!({ "allow": ["edit"] })).await, &["allow[0]"]);
    invalid(w.user(&app).post(&path, json!({ "until": 1 })).await, &["until"]);
    let latest = json!({ "expires_at": "2027-05-30T12:00:00Z", "allow": null });
    make_link(w.user(&app), &booking, latest).await;
    // Local time, a minute ahead.
    let local = json!({ "expires_at": "2027-03-01T09:01:00.7" });
    let made = w.user(&app).post(&path, local).await.expect(201);
    assert_eq!(made.body["expires_at"], "2027-03-01T12:01:00Z");
    let token = format!("/bookings/links/{}", made.body["token"].as_str().unwrap());
    app.clock.advance(TimeDelta::milliseconds(59_999));
    app.get(&token).await.expect(200);
    app.clock.advance(TimeDelta::milliseconds(1));
    for method in [Method::GET, Method::DELETE] {
        let answer = app.call(method, &token, "", Value::Null).await;
        refused(answer, 410, "link_expired", "O link expirou.");
    }
    well_refused(app.put(&token, to(LATER, LATER_END)).await, 410, "link_expired");
    let list = w.user(&app).get(&path).await.expect(200);
    assert_eq!(list.body.as_array().unwrap().len(), 1, "what has ended is not listed");
    // It tells that by itself: the row is gone.
    app.run_job("tend links").await.unwrap();
    let rows = app.execute(Service::Booking, "UPDATE booking_link SET may_move = may_move").await;
    assert_eq!(rows, 1);
    well_refused(app.get(&token).await, 410, "link_expired");
    let changed = w.user(&app).get(&format!("/bookings/{booking}")).await.expect(200);
    assert_eq!(changed.body["version"], 1);
    app.stop().await;
}

async fn the_rules_are_those_of_the_owner(app: TestApp) {
    let w = World::new(&app, "regras.example").await;
    let policy = json!({ "booking_policy": {
        "min_notice_minutes": 120, "approval_required": true,
        "limits": [{ "bookings": 1, "per": "day" }],
    } });
    w.admin(&app).put(&format!("/tenants/{}/settings", w.tenant), policy).await.expect(200);
    app.settle().await;
    let (booking, link) = booked(&app, &w).await;
    let confirm = format!("/bookings/{booking}/status?status_param=confirmado");
    w.admin(&app).patch(&confirm, Value::Null).await.expect(200);
    w.book(&app, "2027-03-05T13:00:00Z", "2027-03-05T14:00:00Z").await.expect(201);
    for (start, end, code) in [
        ("2027-03-01T13:00:00Z", "2027-03-01T14:00:00Z", "too_soon"),
        ("2027-03-05T16:00:00Z", "2027-03-05T17:00:00Z", "limit_exceeded"),
        ("2027-03-04T03:00:00Z", "2027-03-04T04:00:00Z", "outside_hours"),
        ("2027-03-04T13:30:00Z", "2027-03-04T14:30:00Z", "off_grid"),
        ("2027-05-01T13:00:00Z", "2027-05-01T14:00:00Z", "too_far_ahead"),
    ] {
        let answer = app.put(&link.path, to(start, end)).await;
        let owners = w.user(&app).put(&format!("/bookings/{booking}"), to(start, end)).await;
        assert_eq!(answer.code(), owners.code(), "{start}");
        let answer = answer.expect(400);
        assert!(answer.code().starts_with(code.split('_').next().unwrap()), "{}", answer.text);
    }
    let seen = app.get(&link.path).await.expect(200);
    assert_eq!((&seen.body["version"], &seen.body["status"]), (&json!(2), &json!("confirmado")));
    // What was approved was another time.
    let moved = app.put(&link.path, to(LATER, LATER_END)).await.expect(200);
    assert_eq!(moved.body["status"], "pendente");
    // Also of an admin's own booking: a link has an owner's rights, never an admin's.
    let mut own = w.booking("2027-03-08T13:00:00Z", "2027-03-08T14:00:00Z");
    own["user_id"] = json!(w.admin);
    own["status"] = json!("confirmado");
    let own = w.admin(&app).post("/bookings/", own).await.expect(201).id();
    let admins = make_link(w.admin(&app), &own, Value::Null).await;
    let body = to("2027-03-08T15:00:00Z", "2027-03-08T16:00:00Z");
    let moved = app.put(&admins.path, body).await.expect(200);
    assert_eq!(moved.body["status"], "pendente");
    invalid(app.put(&link.path, json!({ "start_time": START })).await, &["end_time"]);
    let more = json!({ "start_time": START, "end_time": END, "status": "confirmado" });
    invalid(app.put(&link.path, more).await, &["status"]);
    app.stop().await;
}

async fn a_taken_place_and_a_late_cancellation_change_nothing(app: TestApp) {
    let mut w = World::new(&app, "tarde.example").await;
    let (booking, link) = booked(&app, &w).await;
    let in_the_way = w.book(&app, LATER, LATER_END).await.expect(201).id();
    let before = app.get(&link.path).await.expect(200);
    let answer = app.put(&link.path, to(LATER, LATER_END)).await;
    let answer = well_refused(answer, 409, "conflict");
    assert!(!answer.text.contains(&in_the_way), "others' bookings are not told: {}", answer.text);
    assert_eq!(answer.body["conflicts"], Value::Null);
    assert_eq!(app.get(&link.path).await.expect(200).body, before.body);
    assert_eq!(booking_events(&app).await.len(), 2);
    app.put(&link.path, to(START, END)).await.expect(200);
    // To the very second of the deadline, and not a second more.
    w.wait(&app, TimeDelta::hours(49)).await;
    let seen = app.get(&link.path).await.expect(200);
    assert_eq!((&seen.body["can_cancel"], &seen.body["can_move"]), (&json!(true), &json!(true)));
    app.clock.advance(TimeDelta::seconds(1));
    let answer = app.delete(&link.path).await;
    let message = "Cancelamento permitido somente até 24 horas antes do início.";
    refused(answer, 400, "too_late_to_cancel", message);
    let seen = app.get(&link.path).await.expect(200);
    assert_eq!(
        (&seen.body["can_cancel"], &seen.body["cancel_until"]),
        (&json!(false), &Value::Null)
    );
    let own = w.user(&app).get(&format!("/bookings/{booking}")).await.expect(200);
    assert_eq!((&own.body["status"], &own.body["version"]), (&json!("pendente"), &json!(1)));
    app.stop().await;
}

async fn a_link_allows_what_it_was_made_for(app: TestApp) {
    let w = World::new(&app, "permite.example").await;
    let booking = w.book(&app, START, END).await.expect(201).id();
    let no = "Este link não permite esta ação.";
    let looks = make_link(w.user(&app), &booking, json!({ "allow": [] })).await;
    let moves = make_link(w.user(&app), &booking, json!({ "allow": ["move"] })).await;
    let cancels = make_link(w.user(&app), &booking, json!({ "allow": ["cancel"] })).await;
    for (link, may) in
        [(&looks, [false, false]), (&moves, [true, false]), (&cancels, [false, true])]
    {
        let seen = app.get(&link.path).await.expect(200);
        assert_eq!([&seen.body["can_move"], &seen.body["can_cancel"]].map(|it| it == true), may);
        if !may[0] {
            let answer = app.put(&link.path, to(LATER, LATER_END)).await;
            refused(answer, 403, "link_forbids", no);
        }
        if !may[1] {
            refused(app.delete(&link.path).await, 403, "link_forbids", no);
        }
    }
    app.put(&moves.path, to(LATER, LATER_END)).await.expect(200);
    app.delete(&cancels.path).await.expect(200);
    let english = by(&app, "").raw("DELETE", &looks.path, &[("accept-language", "en")], "").await;
    refused(english, 403, "link_forbids", "This link does not allow that.");
    app.stop().await;
}

async fn what_has_changed_since_is_not_changed_blindly(app: TestApp) {
    let w = World::new(&app, "versao.example").await;
    let (booking, link) = booked(&app, &w).await;
    let tag = app.get(&link.path).await.expect(200).header("etag").to_owned();
    w.user(&app).put(&format!("/bookings/{booking}"), json!({ "notes": "x" })).await.expect(200);
    let answer = move_at(&app, &link.path, &tag, &to(LATER, LATER_END)).await;
    well_refused(answer, 412, "precondition_failed");
    let answer = by(&app, "").raw("DELETE", &link.path, &[("if-match", &tag)], "").await;
    well_refused(answer, 412, "precondition_failed");
    let tag = app.get(&link.path).await.expect(200).header("etag").to_owned();
    assert_eq!(tag, "\"b-2\"");
    let moved = move_at(&app, &link.path, &tag, &to(LATER, LATER_END)).await.expect(200);
    assert_eq!(moved.header("etag"), "\"b-3\"");
    app.stop().await;
}

async fn of_two_moves_one_wins(app: TestApp) {
    let w = World::new(&app, "corrida.example").await;
    let (_, link) = booked(&app, &w).await;
    let bodies: Vec<Value> = (15..19)
        .map(|hour| {
            let end = hour + 1;
            to(&format!("2027-03-04T{hour}:00:00Z"), &format!("2027-03-04T{end}:00:00Z"))
        })
        .collect();
    let moves = bodies.iter().map(|body| move_at(&app, &link.path, "\"b-1\"", body));
    let answers = futures_util::future::join_all(moves).await;
    let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status.as_u16() == 200).collect();
    assert_eq!(won.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status.as_u16() != 200) {
        assert_eq!((answer.status.as_u16(), answer.code()), (412, "precondition_failed"));
    }
    let seen = app.get(&link.path).await.expect(200);
    assert_eq!((&seen.body, &seen.body["version"]), (&won[0].body, &json!(2)));
    // Two that want one place: the database decides.
    let other = w.book(&app, START, END).await.expect(201).id();
    let other = make_link(w.user(&app), &other, Value::Null).await;
    let body = to("2027-03-05T13:00:00Z", "2027-03-05T14:00:00Z");
    let both =
        futures_util::join!(app.put(&link.path, body.clone()), app.put(&other.path, body.clone()),);
    let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    app.stop().await;
}

async fn a_cancelled_booking_is_still_seen(app: TestApp) {
    let mut w = World::new(&app, "vista.example").await;
    let booking = w.book(&app, START, END).await.expect(201).id();
    let until = json!({ "expires_at": "2027-03-20T00:00:00Z" });
    let link = make_link(w.user(&app), &booking, until.clone()).await;
    app.delete(&link.path).await.expect(200);
    app.delete(&link.path).await.expect(200);
    assert_eq!(booking_events(&app).await.len(), 2, "the second time nothing happens");
    let seen = app.get(&link.path).await.expect(200);
    assert_eq!(seen.body["status"], "cancelado");
    let message = "Somente reservas pendentes ou confirmadas podem ser movidas.";
    let answer = app.put(&link.path, to(LATER, LATER_END)).await;
    refused(answer, 400, "not_active", message);
    // One that took place.
    let past = w.book(&app, START, END).await.expect(201).id();
    let link = make_link(w.user(&app), &past, until).await;
    w.wait(&app, TimeDelta::days(5)).await;
    app.run_job("finish bookings").await.unwrap();
    let seen = app.get(&link.path).await.expect(200);
    assert_eq!(
        (&seen.body["status"], &seen.body["can_move"]),
        (&json!("sem_dados"), &json!(false))
    );
    let body = to("2027-03-10T13:00:00Z", "2027-03-10T14:00:00Z");
    well_refused(app.put(&link.path, body).await, 400, "not_active");
    well_refused(app.delete(&link.path).await, 400, "not_active");
    // Without an end of its own a link to what is over would be over as well.
    let path = format!("/bookings/{past}/links");
    invalid(w.user(&app).post(&path, Value::Null).await, &["expires_at"]);
    // What is booked goes: its name is not known any more.
    w.admin(&app).delete(&format!("/resources/{}", w.resource)).await.expect(204);
    app.settle().await;
    let seen = app.get(&link.path).await.expect(200);
    assert_eq!(seen.body["resource_name"], Value::Null);
    app.stop().await;
}
