//! Holds: made, confirmed, extended, given back; and dead the second they expire.

use chrono::TimeDelta;
use contracts::Service;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{booking_events, by, names, refused, well_refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    a_hold_takes_its_place_and_becomes_the_booking,
    an_expired_hold_is_nothing_the_second_it_expires,
    what_only_holds_refuse_says_when_to_try_again,
    a_hold_is_extended_once_and_given_back_by_its_token,
    a_hold_is_no_booking_to_change,
    confirming_succeeds_whatever_the_rules_have_become,
    a_hold_goes_with_its_resource_and_its_user,
    there_are_only_so_many_holds,
    one_address_holds_only_so_much,
    the_shape_of_a_hold_is_told,
    one_place_is_held_once_however_many_race,
);

const START: &str = "2027-03-04T13:00:00Z";
const END: &str = "2027-03-04T14:00:00Z";

pub(crate) fn body(w: &World, start: &str, end: &str) -> Value {
    json!({
        "tenant_id": w.tenant, "resource_id": w.resource, "user_id": w.user,
        "start_time": start, "end_time": end,
    })
}

/// Holds as the plain user: the path of the hold and its token.
async fn held(app: &TestApp, w: &World, start: &str, end: &str) -> (String, Value) {
    let made = w.user(app).post("/bookings/holds", body(w, start, end)).await.expect(201);
    let token = json!({ "hold_token": made.body["hold_token"] });
    (format!("/bookings/holds/{}", made.id()), token)
}

async fn release(app: &TestApp, token: &str, path: &str, hold: &Value) -> Answer {
    let headers = [("x-hold-token", hold["hold_token"].as_str().unwrap())];
    by(app, token).raw("DELETE", path, &headers, "").await
}

async fn a_hold_takes_its_place_and_becomes_the_booking(app: TestApp) {
    let w = World::new(&app, "retem.example").await;
    let made = w.user(&app).post("/bookings/holds", body(&w, START, END)).await.expect(201);
    assert_eq!(made.header("etag"), "\"b-1\"");
    let token = made.body["hold_token"].as_str().unwrap();
    assert!(token.starts_with("mh_") && token.len() == 46, "{token}");
    assert_eq!(made.body["status"], "reservado");
    assert_eq!(made.body["expires_at"], "2027-03-01T12:10:00Z");
    let path = format!("/bookings/{}", made.id());
    let seen = w.user(&app).get(&path).await.expect(200);
    assert!(!seen.text.contains(token) && seen.body["can_cancel"] == false, "{}", seen.text);
    well_refused(w.book(&app, START, END).await, 409, "held");
    let confirm = format!("/bookings/holds/{}/confirm", made.id());
    let wrong = json!({ "hold_token": format!("{token}x") });
    let answer = w.user(&app).post(&confirm, wrong).await;
    refused(answer, 403, "wrong_hold_token", "Token da retenção inválido.");
    let good = json!({ "hold_token": token });
    let (_, stranger) = w.join(&app, "outra", "user", json!({ "can_book": true })).await;
    well_refused(by(&app, &stranger).post(&confirm, good.clone()).await, 403, "forbidden");
    let done = w.user(&app).post(&confirm, good.clone()).await.expect(200);
    assert_eq!((&done.body["status"], &done.body["version"]), (&json!("pendente"), &json!(2)));
    assert_eq!(done.body["expires_at"], Value::Null);
    // Late, and with another version in mind: it is the same request.
    app.clock.advance(TimeDelta::minutes(14));
    let headers = [("if-match", "\"b-1\""), crate::ask::JSON];
    let again = w.user(&app).raw("POST", &confirm, &headers, &good.to_string()).await.expect(200);
    assert_eq!(again.body, done.body, "the same answer, and nothing happened");
    well_refused(w.book(&app, START, END).await, 409, "conflict");
    let events = booking_events(&app).await;
    assert_eq!(names(&events), ["booking.created", "booking.status_changed"]);
    assert_eq!(events[0].payload["status"], "reservado");
    assert_eq!(events[1].payload["old_status"], "reservado");
    assert_eq!(events[1].payload["new_status"], "pendente");
    assert!(!format!("{events:?}").contains(token));
    app.stop().await;
}

/// Law 6, without an event and without a job: the clock alone.
async fn an_expired_hold_is_nothing_the_second_it_expires(app: TestApp) {
    let w = World::new(&app, "expira.example").await;
    let before = w.day(&app, "2027-03-04").await.expect(200);
    let (path, token) = held(&app, &w, START, END).await;
    app.settle().await;
    let during = w.day(&app, "2027-03-04").await.expect(200);
    assert_eq!(during.body["holds_end"], "2027-03-01T09:10:00-03:00");
    let slots = |answer: &Answer| answer.body["slots"].as_array().unwrap().len();
    assert_eq!(slots(&during) + 1, slots(&before));
    app.clock.advance(TimeDelta::milliseconds(599_999));
    assert_eq!(w.day(&app, "2027-03-04").await.expect(200).body, during.body);
    app.clock.advance(TimeDelta::milliseconds(1));
    let after = w.day(&app, "2027-03-04").await.expect(200);
    assert_eq!(after.body, before.body, "as if it had never been");
    for action in ["confirm", "extend"] {
        let answer = w.user(&app).post(&format!("{path}/{action}"), token.clone()).await;
        refused(answer, 410, "hold_expired", "A retenção expirou.");
    }
    assert_eq!(names(&booking_events(&app).await), ["booking.created"]);
    let booked = w.book(&app, START, END).await.expect(201).id();
    let all = ["booking.created", "booking.cancelled", "booking.created"];
    let events = booking_events(&app).await;
    assert_eq!(names(&events), all, "buried by who came next");
    assert_eq!(events[1].payload["reason"], "Retenção expirada");
    assert_eq!(events[1].payload["cancelled_by"], Value::Null);
    well_refused(w.user(&app).post(&format!("{path}/confirm"), token).await, 410, "hold_expired");
    // Nobody comes next: the job tidies up.
    let cancel = format!("/bookings/{booked}/cancel");
    w.user(&app).patch(&cancel, Value::Null).await.expect(200);
    let (path, _) = held(&app, &w, START, END).await;
    app.clock.advance(TimeDelta::minutes(10));
    for _ in 0..2 {
        app.run_job("tidy holds").await.unwrap();
    }
    let seen = w.user(&app).get(&path.replace("/holds", "")).await.expect(200);
    assert_eq!((&seen.body["status"], &seen.body["version"]), (&json!("cancelado"), &json!(2)));
    assert_eq!(booking_events(&app).await.len(), 6);
    app.stop().await;
}

async fn what_only_holds_refuse_says_when_to_try_again(app: TestApp) {
    let w = World::new(&app, "retido.example").await;
    held(&app, &w, START, END).await;
    app.clock.advance(TimeDelta::seconds(90));
    let message = "Horário retido temporariamente por outra pessoa.";
    for answer in [
        w.book(&app, START, "2027-03-04T15:00:00Z").await,
        w.user(&app).post("/bookings/holds", body(&w, START, END)).await,
    ] {
        let answer = refused(answer, 409, "held", message);
        assert_eq!(answer.body["retry_at"], "2027-03-01T12:10:00Z");
        assert_eq!(answer.header("retry-after"), "511");
        assert_eq!(answer.body["conflicts"].as_array().unwrap().len(), 1);
    }
    // With a booking in the way as well, waiting for the hold is of no use.
    w.book(&app, END, "2027-03-04T15:00:00Z").await.expect(201);
    let answer = w.book(&app, START, "2027-03-04T15:00:00Z").await;
    let answer = well_refused(answer, 409, "conflict");
    assert_eq!((answer.header("retry-after"), &answer.body["retry_at"]), ("", &Value::Null));
    app.stop().await;
}

async fn a_hold_is_extended_once_and_given_back_by_its_token(app: TestApp) {
    let w = World::new(&app, "prorroga.example").await;
    let (path, token) = held(&app, &w, START, END).await;
    let extend = format!("{path}/extend");
    app.clock.advance(TimeDelta::minutes(4));
    let longer = w.user(&app).post(&extend, token.clone()).await.expect(200);
    assert_eq!(longer.body["expires_at"], "2027-03-01T12:20:00Z");
    let answer = w.user(&app).post(&extend, token.clone()).await;
    refused(answer, 409, "already_extended", "A retenção já foi prorrogada.");
    app.clock.advance(TimeDelta::minutes(10));
    well_refused(w.book(&app, START, END).await, 409, "held");
    let wrong = json!({ "hold_token": "mh_x" });
    well_refused(release(&app, &w.user_token, &path, &wrong).await, 403, "wrong_hold_token");
    well_refused(w.user(&app).delete(&path).await, 403, "wrong_hold_token");
    for _ in 0..2 {
        let gone = release(&app, &w.user_token, &path, &token).await.expect(204);
        assert_eq!(gone.text, "");
    }
    well_refused(w.user(&app).post(&extend, token).await, 410, "hold_expired");
    let events = booking_events(&app).await;
    assert_eq!(names(&events), ["booking.created", "booking.updated", "booking.cancelled"]);
    assert_eq!(crate::ask::keys(&events[1].payload["changes"]), ["expires_at"]);
    assert_eq!(events[2].payload["cancelled_by"], w.user.as_str());
    assert_eq!(events[2].payload["reason"], "Retenção liberada");
    // Admins need no token, and a hold that was confirmed is not given back.
    let (path, token) = held(&app, &w, START, END).await;
    w.user(&app).post(&format!("{path}/confirm"), token.clone()).await.expect(200);
    let answer = w.admin(&app).delete(&path).await;
    refused(answer, 409, "already_confirmed", "A retenção já foi confirmada.");
    let answer = w.user(&app).post(&format!("{path}/extend"), token).await;
    well_refused(answer, 409, "already_confirmed");
    let (path, _) = held(&app, &w, END, "2027-03-04T15:00:00Z").await;
    w.admin(&app).delete(&path).await.expect(204);
    let plain = w.book(&app, END, "2027-03-04T15:00:00Z").await.expect(201).id();
    let answer = w.admin(&app).delete(&format!("/bookings/holds/{plain}")).await;
    refused(answer, 404, "not_found", "Reserva não encontrada");
    app.stop().await;
}

async fn a_hold_is_no_booking_to_change(app: TestApp) {
    let w = World::new(&app, "imutavel.example").await;
    let (path, _) = held(&app, &w, START, END).await;
    let path = path.replace("/holds", "");
    let message = "Uma retenção só pode ser confirmada, prorrogada ou liberada.";
    for answer in [
        w.user(&app).put(&path, json!({ "notes": "x" })).await,
        w.admin(&app).patch(&format!("{path}/status?status_param=confirmado"), Value::Null).await,
        w.admin(&app).patch(&format!("{path}/status?status_param=cancelado"), Value::Null).await,
        w.user(&app).patch(&format!("{path}/cancel"), Value::Null).await,
    ] {
        refused(answer, 400, "hold", message);
    }
    let reserve = format!("{path}/status?status_param=reservado");
    crate::ask::invalid(w.admin(&app).patch(&reserve, Value::Null).await, &["status_param"]);
    // What was a hold and is a booking again is none any more.
    app.clock.advance(TimeDelta::minutes(10));
    app.run_job("tidy holds").await.unwrap();
    let path = format!("{path}/status?status_param=confirmado");
    let back = w.admin(&app).patch(&path, Value::Null).await.expect(200);
    assert_eq!(back.body["expires_at"], Value::Null);
    well_refused(w.book(&app, START, END).await, 409, "conflict");
    app.stop().await;
}

async fn confirming_succeeds_whatever_the_rules_have_become(app: TestApp) {
    let w = World::new(&app, "promessa.example").await;
    let (path, token) = held(&app, &w, START, END).await;
    let changed = json!({
        "working_hours_start": "20:00", "booking_interval": 45, "advance_booking_days": 0,
        "default_booking_status": "confirmado", "hold_minutes": 1,
        "booking_policy": { "limits": [{ "bookings": 1, "per": "open" }] },
    });
    let settings = format!("/tenants/{}/settings", w.tenant);
    w.admin(&app).put(&settings, changed).await.expect(200);
    let room = format!("/resources/{}", w.resource);
    w.admin(&app).put(&room, json!({ "status": "manutencao" })).await.expect(200);
    app.settle().await;
    app.clock.advance(TimeDelta::minutes(9));
    let done = w.user(&app).post(&format!("{path}/confirm"), token).await.expect(200);
    assert_eq!(done.body["status"], "confirmado", "as a new booking would be now");
    app.stop().await;
}

async fn a_hold_goes_with_its_resource_and_its_user(app: TestApp) {
    let w = World::new(&app, "some.example").await;
    let (path, token) = held(&app, &w, START, END).await;
    w.admin(&app).delete(&format!("/resources/{}", w.resource)).await.expect(204);
    app.settle().await;
    let events = booking_events(&app).await;
    assert_eq!(events.last().unwrap().payload["reason"], "Recurso deletado");
    let answer = w.user(&app).post(&format!("{path}/confirm"), token).await;
    well_refused(answer, 410, "hold_expired");
    app.stop().await;
}

async fn there_are_only_so_many_holds(app: TestApp) {
    let w = World::new(&app, "limites.example").await;
    let mut first = None;
    for hour in 12..17 {
        let (start, end) = (format!("2027-03-04T{hour}:00:00Z"), hour + 1);
        let made = held(&app, &w, &start, &format!("2027-03-04T{end}:00:00Z")).await;
        first.get_or_insert(made);
        app.clock.advance(TimeDelta::seconds(10));
    }
    let late = body(&w, "2027-03-04T18:00:00Z", "2027-03-04T19:00:00Z");
    let answer = w.user(&app).post("/bookings/holds", late.clone()).await;
    let message = "Limite de 5 retenções simultâneas atingido.";
    let answer = refused(answer, 429, "too_many_holds", message);
    assert_eq!(answer.body["retry_at"], "2027-03-01T12:10:00Z");
    assert_eq!((&answer.body["limit"], answer.header("retry-after")), (&json!(5), "551"));
    let (path, token) = first.unwrap();
    release(&app, &w.user_token, &path, &token).await.expect(204);
    w.user(&app).post("/bookings/holds", late).await.expect(201);
    app.clock.advance(TimeDelta::minutes(10));
    held(&app, &w, START, END).await;
    app.stop().await;
}

/// Over a connection: inside the process there is no address.
async fn one_address_holds_only_so_much(app: TestApp) {
    let w = World::new(&app, "endereco.example").await;
    let base = app.listen().await;
    let client = reqwest::Client::new();
    let may = json!({ "can_book": true });
    let ask = async |token: &str, user: &str, day: u32, hour: u32| {
        let start = format!("2027-03-{day:02}T{hour}:00:00Z");
        let mut body = body(&w, &start, &format!("2027-03-{day:02}T{}:00:00Z", hour + 1));
        body["user_id"] = json!(user);
        let request = client.post(format!("{base}/bookings/holds")).bearer_auth(token);
        let answer = request.json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    for day in 4..8 {
        let (user, token) = w.join(&app, &format!("u{day}"), "user", may.clone()).await;
        for hour in 12..17 {
            assert_eq!(ask(&token, &user, day, hour).await.0, 201);
        }
    }
    let (status, refusal) = ask(&w.user_token, &w.user, 9, 12).await;
    assert_eq!(
        (status, &refusal["error"], &refusal["limit"]),
        (429, &json!("too_many_holds"), &json!(20))
    );
    // The server of an integration asks for everybody.
    let (_, key) = w.key(&app, may).await;
    assert_eq!(ask(&key, &w.user, 9, 12).await.0, 201);
    app.clock.advance(TimeDelta::minutes(10));
    app.run_job("tidy holds").await.unwrap();
    let left = app.execute(Service::Booking, "DELETE FROM hold_client").await;
    assert_eq!(left, 0, "nothing is kept of an address that holds nothing");
    app.stop().await;
}

async fn the_shape_of_a_hold_is_told(app: TestApp) {
    let w = World::new(&app, "forma.example").await;
    let (path, _) = held(&app, &w, START, END).await;
    let answer = w.user(&app).post(&format!("{path}/confirm"), json!({})).await;
    crate::ask::invalid(answer, &["hold_token"]);
    let mut bad = body(&w, END, START);
    bad["quantity"] = json!(0);
    bad["status"] = json!("confirmado");
    let answer = w.user(&app).post("/bookings/holds", bad).await;
    crate::ask::invalid(answer, &["end_time", "quantity", "status"]);
    let stored = app.execute(
        Service::Booking,
        "UPDATE booking SET notes = hold_secret WHERE hold_secret LIKE 'mh_%'",
    );
    assert_eq!(stored.await, 0, "no token is stored");
    app.stop().await;
}

async fn one_place_is_held_once_however_many_race(app: TestApp) {
    let w = World::new(&app, "corrida.example").await;
    let admin = w.admin(&app);
    let hold = || async {
        let mut body = body(&w, START, END);
        body["user_id"] = json!(w.admin);
        admin.post("/bookings/holds", body).await
    };
    let answers = futures_util::future::join_all((0..16).map(|_| hold())).await;
    let won: Vec<&Answer> = answers.iter().filter(|it| it.status.as_u16() == 201).collect();
    let [won] = won.as_slice() else { panic!("{} have it", won.len()) };
    assert!(answers.iter().all(|it| matches!(it.status.as_u16(), 201 | 409)));
    let path = format!("/bookings/holds/{}/confirm", won.id());
    let token = json!({ "hold_token": won.body["hold_token"] });
    let confirm = || async { admin.post(&path, token.clone()).await };
    let done = futures_util::future::join_all((0..8).map(|_| confirm())).await;
    for answer in &done {
        assert_eq!((answer.status.as_u16(), &answer.body["version"]), (200, &json!(2)));
    }
    assert_eq!(booking_events(&app).await.len(), 2);
    app.stop().await;
}
