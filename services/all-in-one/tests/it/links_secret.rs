//! What keeps links from being more than they are: their tokens, their keys, their end with the people
//! they are about.

use std::io::Write;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use contracts::Service;
use http::Method;
use serde_json::{Value, json};
use testkit::app::{Engine, TestApp};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::ask::{booking_events, by, keys, refused, well_refused};
use crate::idempotency::keyed;
use crate::links::{END, LATER, LATER_END, NO_LINK, START, booked, make_link, to};
use crate::world::{World, guarded, twin};

testkit::on_both_engines!(crate::world::guarded =>
    the_token_is_shown_once_and_the_request_can_be_repeated,
    an_altered_token_is_nothing,
    a_link_leads_to_its_booking_and_no_other,
    keys_are_everybodys_and_change_by_themselves,
    a_token_is_in_no_event_no_metric_and_no_table,
    who_has_a_link_uses_up_a_rate_of_his_own,
    a_link_dies_with_its_owner_and_its_tenant,
    erasure_and_deletion_leave_no_link,
);

async fn the_token_is_shown_once_and_the_request_can_be_repeated(app: TestApp) {
    let w = World::new(&app, "uma.example").await;
    let booking = w.book(&app, START, END).await.expect(201).id();
    let path = format!("/bookings/{booking}/links");
    let made = keyed(w.user(&app), &path, "k-1", &json!({})).await.expect(201);
    let token = made.body["token"].as_str().unwrap();
    assert!(token.starts_with("ml_") && token.len() == 99, "{token}");
    assert_eq!(made.body["url"], format!("http://marca.test:8000/bookings/links/{token}"));
    assert_eq!(made.body["allow"], json!(["move", "cancel"]));
    let again = keyed(w.user(&app), &path, "k-1", &json!({})).await.expect(201);
    assert_eq!((&again.body, again.header("idempotent-replayed")), (&made.body, "true"));
    let list = w.user(&app).get(&path).await.expect(200);
    assert_eq!(list.body.as_array().unwrap().len(), 1);
    let fields = ["allow", "booking_id", "created_at", "created_by", "expires_at", "id"];
    assert_eq!(keys(&list.body[0]), fields);
    assert_eq!(list.body[0]["created_by"], w.user.as_str());
    assert!(!list.text.contains(token));
    // Where the address of the site is known the link begins with it.
    let other = twin(&app, &[("PUBLIC_URL", "https://agenda.example/")]).await;
    let made = w.user(&other).post(&path, Value::Null).await.expect(201);
    let url = made.body["url"].as_str().unwrap();
    assert!(url.starts_with("https://agenda.example/bookings/links/ml_"), "{url}");
    other.stop().await;
    app.stop().await;
}

/// At every place, by the letter before and the one after: nothing but 404, and always the same.
async fn an_altered_token_is_nothing(app: TestApp) {
    let w = World::new(&app, "forjado.example").await;
    let (booking, link) = booked(&app, &w).await;
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut tried = 0;
    for place in 0..link.token.len() {
        let own = link.token[place..].chars().next().unwrap();
        let at = letters.find(own).unwrap();
        for other in [at + 1, at + 63] {
            let other = letters.chars().nth(other % 64).unwrap();
            let altered = format!("{}{other}{}", &link.token[..place], &link.token[place + 1..]);
            let answer = app.delete(&format!("/bookings/links/{altered}")).await;
            refused(answer, 404, "not_found", NO_LINK);
            tried += 1;
        }
    }
    assert_eq!(tried, 198);
    let short = &link.token[..98];
    let nobodys = uuid::Uuid::new_v4();
    for other in [
        short.to_owned(),
        format!("{}A", link.token),
        format!("{}%00", link.token),
        format!("%20{}", link.token),
        "%ff%fe".to_owned(),
        "ml_".to_owned(),
        link.id.clone(),
        booking.clone(),
        nobodys.to_string(),
    ] {
        let answer = app.get(&format!("/bookings/links/{other}")).await;
        refused(answer, 404, "not_found", NO_LINK);
    }
    app.get(&link.path).await.expect(200);
    // However it is spelled on its way, it is the token.
    app.get(&link.path.replace("ml_", "ml%5F")).await.expect(200);
    app.get(&format!("{}/", link.path)).await.expect(200);
    // A signature is worth nothing without the row, and the row nothing with another secret.
    let spoil = "UPDATE booking_link SET secret_hash = 'x'";
    assert_eq!(app.execute(Service::Booking, spoil).await, 1);
    refused(app.get(&link.path).await, 404, "not_found", NO_LINK);
    let own = w.user(&app).get(&format!("/bookings/{booking}")).await.expect(200);
    assert_eq!(own.body["version"], 1);
    app.stop().await;
}

async fn a_link_leads_to_its_booking_and_no_other(app: TestApp) {
    let w = World::new(&app, "outra.example").await;
    let (a, to_a) = booked(&app, &w).await;
    let b = w.book(&app, LATER, LATER_END).await.expect(201).id();
    let to_b = make_link(w.user(&app), &b, Value::Null).await;
    let before = w.user(&app).get(&format!("/bookings/{b}")).await.expect(200);
    assert_eq!(app.get(&to_a.path).await.expect(200).body["id"], a.as_str());
    assert_eq!(app.get(&to_b.path).await.expect(200).body["id"], b.as_str());
    // Half of the one and half of the other is nothing.
    let mixed = format!("{}{}", &to_a.path[..60], &to_b.path[60..]);
    refused(app.get(&mixed).await, 404, "not_found", NO_LINK);
    let day = "2027-03-05";
    app.put(&to_a.path, to(&format!("{day}T13:00:00Z"), &format!("{day}T14:00:00Z")))
        .await
        .expect(200);
    app.delete(&to_a.path).await.expect(200);
    let after = w.user(&app).get(&format!("/bookings/{b}")).await.expect(200);
    assert_eq!(after.body, before.body);
    // As a credential it is good for nothing else.
    for token in [&to_b.token, &to_a.token] {
        well_refused(by(&app, token).get(&format!("/bookings/{b}")).await, 401, "unauthorized");
        well_refused(by(&app, token).get("/bookings/").await, 401, "unauthorized");
    }
    app.stop().await;
}

/// Replicas share nothing but the database, and nobody has configured anything.
async fn keys_are_everybodys_and_change_by_themselves(app: TestApp) {
    let mut w = World::new(&app, "chaves.example").await;
    let other = twin(&app, &[]).await;
    let (booking, first) = booked(&app, &w).await;
    other.get(&first.path).await.expect(200);
    let there = make_link(w.user(&other), &booking, Value::Null).await;
    app.get(&there.path).await.expect(200);
    let keys = async || app.execute(Service::Booking, "UPDATE link_key SET period = period").await;
    assert_eq!(keys().await, 1, "one key for links that end in one period");
    for _ in 0..2 {
        app.run_job("tend links").await.unwrap();
    }
    assert_eq!(keys().await, 2, "and one ahead");
    // Two quarters later what was made before is still told from what never was.
    for _ in 0..2 {
        app.clock.advance(TimeDelta::days(90));
        app.run_job("tend links").await.unwrap();
        assert_eq!(keys().await, 3);
        well_refused(app.get(&first.path).await, 410, "link_expired");
    }
    app.clock.advance(TimeDelta::days(90));
    app.run_job("tend links").await.unwrap();
    assert_eq!(keys().await, 3, "its key is forgotten");
    refused(app.get(&first.path).await, 404, "not_found", NO_LINK);
    // Keys that became known: they go, and with them every link that they have signed.
    let link = {
        let body = w.booking("2027-12-01T13:00:00Z", "2027-12-01T14:00:00Z");
        w.wait(&app, TimeDelta::days(0)).await;
        let booking = w.user(&app).post("/bookings/", body).await.expect(201).id();
        make_link(w.user(&app), &booking, Value::Null).await
    };
    app.get(&link.path).await.expect(200);
    assert_eq!(app.execute(Service::Booking, "DELETE FROM link_key").await, 3);
    app.run_job("tend links").await.unwrap();
    refused(app.get(&link.path).await, 404, "not_found", NO_LINK);
    other.stop().await;
    app.stop().await;
}

async fn a_token_is_in_no_event_no_metric_and_no_table(app: TestApp) {
    let w = World::new(&app, "segredo.example").await;
    let (_, link) = booked(&app, &w).await;
    app.get(&link.path).await.expect(200);
    app.put(&link.path, to(LATER, LATER_END)).await.expect(200);
    well_refused(app.get(&format!("{}x", link.path)).await, 404, "not_found");
    let refusal = app.put(&link.path, to("2020-03-04T15:00:00Z", "2020-03-04T16:00:00Z")).await;
    assert!(!refusal.text.contains("ml_"), "{}", refusal.text);
    // The last letters of the token: neither it nor what is encoded in it.
    let secret = &link.token[40..];
    let events = serde_json::to_string(&booking_events(&app).await).unwrap();
    assert!(events.contains(&link.id) && !events.contains(secret));
    let metrics = app.platform.metrics.render();
    assert!(metrics.contains("/bookings/links/{token}") && !metrics.contains("ml_"), "{metrics}");
    let traces = crate::privacy_erasure::traces(&app, secret).await;
    assert_eq!(traces, Vec::<String>::new());
    app.stop().await;
}

async fn who_has_a_link_uses_up_a_rate_of_his_own(app: TestApp) {
    let w = World::new(&app, "ritmo.example").await;
    let (booking, link) = booked(&app, &w).await;
    let other = make_link(w.user(&app), &booking, Value::Null).await;
    let tight = twin(&app, &[("RATE_LIMIT_ACCOUNT", "3")]).await;
    for _ in 0..3 {
        tight.get(&link.path).await.expect(200);
    }
    let answer = well_refused(tight.get(&link.path).await, 429, "rate_limited");
    assert!(answer.header("ratelimit").starts_with("\"account\""), "{:?}", answer.headers);
    tight.get(&other.path).await.expect(200);
    w.user(&tight).get(&format!("/bookings/{booking}")).await.expect(200);
    tight.stop().await;
    app.stop().await;
}

async fn a_link_dies_with_its_owner_and_its_tenant(app: TestApp) {
    let w = World::new(&app, "finda.example").await;
    let (_, link) = booked(&app, &w).await;
    let user = format!("/users/{}", w.user);
    let dead = async || {
        for method in [Method::GET, Method::DELETE] {
            refused(app.call(method, &link.path, "", Value::Null).await, 404, "not_found", NO_LINK);
        }
    };
    w.admin(&app).put(&user, json!({ "is_active": false })).await.expect(200);
    app.settle().await;
    dead().await;
    w.admin(&app).put(&user, json!({ "is_active": true })).await.expect(200);
    app.settle().await;
    app.get(&link.path).await.expect(200);
    let (_, olga) = crate::world::operator(&app, "olga@finda.example").await;
    let tenant = format!("/tenants/{}", w.tenant);
    by(&app, &olga).put(&tenant, json!({ "is_active": false })).await.expect(200);
    app.settle().await;
    dead().await;
    by(&app, &olga).put(&tenant, json!({ "is_active": true })).await.expect(200);
    app.settle().await;
    app.get(&link.path).await.expect(200);
    // A booking that is somebody else's by now is none of this link's.
    let taken = "UPDATE booking SET user_id = tenant_id";
    assert_eq!(app.execute(Service::Booking, taken).await, 1);
    dead().await;
    app.stop().await;
}

async fn erasure_and_deletion_leave_no_link(app: TestApp) {
    let w = World::new(&app, "apaga.example").await;
    let (bia, bias) = w.join(&app, "bia", "admin", json!({})).await;
    let (booking, own) = booked(&app, &w).await;
    let mut admins = w.booking(LATER, LATER_END);
    (admins["user_id"], admins["client_id"]) = (json!(w.admin), Value::Null);
    let admins = w.admin(&app).post("/bookings/", admins).await.expect(201).id();
    let by_bia = make_link(by(&app, &bias), &admins, Value::Null).await;
    make_link(by(&app, &bias), &booking, Value::Null).await;
    // The export has them, without their tokens.
    let document = crate::privacy::export(&app, w.user(&app), &w.user).await;
    let told = document.body["booking_links"].as_array().unwrap();
    assert_eq!(told.len(), 2);
    assert!(!document.text.contains("ml_") && told.iter().all(|it| it["booking_id"] == booking));
    let document = crate::privacy::export(&app, by(&app, &bias), &bia).await;
    assert_eq!(document.body["booking_links"].as_array().unwrap().len(), 2, "those bia made");
    let rows = async |app: &TestApp| {
        app.execute(Service::Booking, "UPDATE booking_link SET may_move = may_move").await
    };
    assert_eq!(rows(&app).await, 3);
    w.admin(&app).post(&format!("/users/{bia}/erasure"), Value::Null).await.expect(204);
    app.settle().await;
    assert_eq!(rows(&app).await, 3, "they are the owners'");
    let list = w.admin(&app).get(&format!("/bookings/{admins}/links")).await.expect(200);
    assert_eq!(list.body[0]["created_by"], Value::Null);
    app.get(&by_bia.path).await.expect(200);
    w.admin(&app).post(&format!("/users/{}/erasure", w.user), Value::Null).await.expect(204);
    app.settle().await;
    refused(app.get(&own.path).await, 404, "not_found", NO_LINK);
    assert_eq!(rows(&app).await, 1);
    // One that was being made meanwhile goes with the next sweep.
    let late = "UPDATE booking_link SET user_id = \
                (SELECT id FROM tombstone WHERE kind = 'erased' LIMIT 1)";
    assert_eq!(app.execute(Service::Booking, late).await, 1);
    app.run_job("sweep deletions").await.unwrap();
    assert_eq!(rows(&app).await, 0);
    let again = make_link(w.admin(&app), &admins, Value::Null).await;
    w.admin(&app).delete(&format!("/tenants/{}", w.tenant)).await.expect(204);
    app.settle().await;
    refused(app.get(&again.path).await, 404, "not_found", NO_LINK);
    assert_eq!(rows(&app).await, 0);
    app.stop().await;
}

/// The lines that are logged, whatever their level.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// On one thread, so that every line of it is heard, and of no other test.
#[tokio::test]
async fn a_token_is_in_no_line_of_the_log() {
    // While there is but one subscriber, tracing asks the thread that meets a line first whether anybody
    // cares for it, and remembers the answer: another test's thread would say no.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(lines.clone())
        .finish();
    let _heard = subscriber.set_default();
    let app = guarded(Engine::Sqlite).await;
    let w = World::new(&app, "registro.example").await;
    let (_, link) = booked(&app, &w).await;
    app.get(&link.path).await.expect(200);
    app.put(&link.path, to(LATER, LATER_END)).await.expect(200);
    app.get(&format!("{}/x", link.path)).await.expect(404);
    app.get(&format!("{}x", link.path)).await.expect(404);
    app.patch(&link.path, Value::Null).await.expect(405);
    app.delete(&link.path).await.expect(200);
    let text = String::from_utf8_lossy(&lines.0.lock().unwrap()).into_owned();
    assert!(text.contains("/bookings/links/{token}"), "{text}");
    assert!(!text.contains(&link.token[40..]), "a token in the log");
    app.stop().await;
}
