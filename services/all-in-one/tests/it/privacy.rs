//! What is held about a person, exported whole; and who may export and erase.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use contracts::Service;
use http::Method;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{By, by, keys, refused, security_events, well_refused};
use crate::world::{PASSWORD, World, login, operator, twin};

testkit::on_both_engines!(crate::world::guarded =>
    a_person_gets_everything_and_nothing_of_others,
    an_admin_gets_the_same_and_auditors_are_told,
    only_the_person_and_admins_in_person_export_and_erase,
    an_export_outlives_its_process_and_is_not_tried_for_ever,
    a_document_is_handed_out_for_an_hour_and_kept_for_a_day,
);

/// What nobody must find again.
pub(crate) const WORDS: &str = "palavra-reservada";

async fn make(app: &TestApp) {
    app.run_job("make exports").await.unwrap();
}

/// Asks for the document of `id` until it is there.
pub(crate) async fn export(app: &TestApp, who: By<'_>, id: &str) -> Answer {
    let path = format!("/users/{id}/export");
    who.get(&path).await.expect(202);
    make(app).await;
    who.get(&path).await.expect(200)
}

/// Makes a booking as the admin, with words in it.
pub(crate) async fn booked(
    app: &TestApp,
    w: &World,
    hour: u32,
    who: &str,
    client: Option<&str>,
) -> String {
    let (start, end) =
        (format!("2027-03-04T{hour}:00:00Z"), format!("2027-03-04T{}:00:00Z", hour + 1));
    let mut body = w.booking(&start, &end);
    body["user_id"] = json!(who);
    body["client_id"] = json!(client);
    body["notes"] = json!(format!("{WORDS} {hour}"));
    w.admin(app).post("/bookings/", body).await.expect(201).id()
}

async fn a_person_gets_everything_and_nothing_of_others(app: TestApp) {
    let w = World::new(&app, "exporta.example").await;
    let own = booked(&app, &w, 13, &w.user, None).await;
    let as_client = booked(&app, &w, 14, &w.admin, Some(&w.user)).await;
    let foreign = booked(&app, &w, 15, &w.admin, None).await;
    let cancel = json!({ "reason": "motivo pessoal" });
    w.user(&app).patch(&format!("/bookings/{own}/cancel"), cancel).await.expect(200);
    let wrong = json!({ "email": "joao@exporta.example", "password": "errada 12" });
    app.post("/users/login", wrong).await.expect(401);
    let forgotten = json!({ "email": "joao@exporta.example" });
    app.post("/auth/password/recover", forgotten).await.expect(202);
    let path = format!("/users/{}/export", w.user);
    let pending = w.user(&app).get(&path).await.expect(202);
    assert_eq!(keys(&pending.body), ["requested_at", "status"]);
    assert_eq!(pending.body["status"], "pending");
    assert_eq!((pending.header("retry-after"), pending.header("cache-control")), ("1", "no-store"));
    assert_eq!(w.user(&app).get(&path).await.expect(202).body, pending.body, "the same request");
    make(&app).await;
    let ready = w.user(&app).get(&path).await.expect(200);
    assert_eq!(ready.header("cache-control"), "no-store");
    assert_eq!(ready.header("content-type"), "application/json");
    let parts = [
        "api_keys",
        "booking_links",
        "bookings",
        "calendars",
        "elsewhere",
        "generated_at",
        "password_recoveries",
        "security_events",
        "sessions",
        "user",
        "waitlist",
    ];
    assert_eq!(keys(&ready.body), parts);
    let document = &ready.body;
    assert_eq!(document["user"], w.user(&app).get(&format!("/users/{}", w.user)).await.body);
    let ids = |part: &str| -> BTreeSet<String> {
        let rows = document[part].as_array().unwrap();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("bookings"), BTreeSet::from([own.clone(), as_client]));
    for booking in document["bookings"].as_array().unwrap() {
        let path = format!("/bookings/{}", booking["id"].as_str().unwrap());
        assert_eq!(*booking, w.admin(&app).get(&path).await.body);
    }
    assert!(ready.text.contains("motivo pessoal") && ready.text.contains(&format!("{WORDS} 13")));
    assert_eq!(document["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(document["password_recoveries"].as_array().unwrap().len(), 1);
    assert_eq!(document["elsewhere"], json!({ "tenant": [], "resource": [] }));
    let told = document["security_events"].as_array().unwrap();
    let told: Vec<&str> = told.iter().map(|event| event["event_type"].as_str().unwrap()).collect();
    assert!(told.contains(&"security.signed_in") && told.contains(&"security.sign_in_failed"));
    let hidden = ["argon2", "hash", "mp_", "mr_", PASSWORD, &foreign, "Ana Admin", "ana@"];
    for secret in hidden {
        assert!(!ready.text.contains(secret), "{secret}");
    }
    app.stop().await;
}

async fn an_admin_gets_the_same_and_auditors_are_told(app: TestApp) {
    let w = World::new(&app, "auditado.example").await;
    let (key, secret) = w.key(&app, json!({ "can_book": true })).await;
    export(&app, w.user(&app), &w.user).await;
    // The document that is there is the admin's as well.
    w.admin(&app).get(&format!("/users/{}/export", w.user)).await.expect(200);
    let own = export(&app, w.admin(&app), &w.admin).await;
    assert_eq!(own.body["api_keys"][0]["id"], key.as_str());
    assert!(!own.text.contains(&secret) && !own.text.contains("hash"), "{}", own.text);
    let mut told = security_events(&app).await;
    told.retain(|event| event.event_type == "security.user_exported");
    let expected = [
        json!({ "tenant_id": w.tenant, "user_id": w.user }),
        json!({ "tenant_id": w.tenant, "user_id": w.user, "by": w.admin }),
        json!({ "tenant_id": w.tenant, "user_id": w.admin }),
    ];
    let payloads: Vec<&Value> = told.iter().map(|event| &event.payload).collect();
    assert_eq!(payloads, expected.iter().collect::<Vec<_>>(), "each time a document is handed out");
    app.stop().await;
}

async fn only_the_person_and_admins_in_person_export_and_erase(app: TestApp) {
    let w = World::new(&app, "pessoal.example").await;
    let other = World::new(&app, "alheia.example").await;
    let powers = json!({ "can_manage_users": true, "can_view_all_bookings": true });
    let (_, manager) = w.join(&app, "gerente", "user", powers.clone()).await;
    let (_, key) = w.key(&app, powers).await;
    let (_, olga) = operator(&app, "olga@marca.example").await;
    let act = json!({ "user_id": w.user, "reason": "suporte" });
    let acting = by(&app, &olga).post("/auth/impersonate", act).await.expect(200);
    let acting = acting.body["access_token"].as_str().unwrap().to_owned();
    let no = "Você não tem permissão para esta operação.";
    for (method, path) in [
        (Method::GET, format!("/users/{}/export", w.user)),
        (Method::POST, format!("/users/{}/erasure", w.user)),
    ] {
        for token in [&manager, &key, &olga, &acting] {
            let answer = app.call(method.clone(), &path, token, Value::Null).await;
            refused(answer, 403, "forbidden", no);
        }
        let answer = app.call(method.clone(), &path, &other.admin_token, Value::Null).await;
        refused(answer, 404, "not_found", "Usuário não encontrado");
        let answer = app.call(method.clone(), &path, "", Value::Null).await;
        well_refused(answer, 401, "unauthorized");
    }
    // Nothing was begun.
    assert_eq!(app.execute(Service::User, "DELETE FROM personal_exports").await, 0);
    w.user(&app).get(&format!("/users/{}", w.user)).await.expect(200);
    app.stop().await;
}

async fn an_export_outlives_its_process_and_is_not_tried_for_ever(app: TestApp) {
    let mut w = World::new(&app, "sobrevive.example").await;
    let path = format!("/users/{}/export", w.user);
    w.user(&app).get(&path).await.expect(202);
    // Another process finds the request, with nobody to wake it.
    let other = twin(&app, &[]).await;
    make(&other).await;
    other.stop().await;
    w.user(&app).get(&path).await.expect(200);
    w.wait(&app, TimeDelta::hours(2)).await;
    app.settle().await;
    // Something that cannot be read keeps the document from being complete.
    let of = "WHERE event_type = 'security.signed_in'";
    let spoil = format!("UPDATE outbox SET payload = payload || 'x' {of}");
    app.execute(Service::User, &spoil).await;
    let first = w.user(&app).get(&path).await.expect(202);
    let attempts = async |count: i32| {
        let sql = format!("UPDATE personal_exports SET state = state WHERE attempts = {count}");
        app.execute(Service::User, &sql).await == 1
    };
    for (tries, minutes) in [(1, 1), (2, 2), (3, 4), (4, 8)] {
        app.run_job("make exports").await.unwrap_err();
        make(&app).await;
        assert!(attempts(tries).await, "not before its time");
        app.clock.advance(TimeDelta::minutes(minutes));
        assert_eq!(w.user(&app).get(&path).await.expect(202).body, first.body);
    }
    app.run_job("make exports").await.unwrap_err();
    app.clock.advance(TimeDelta::minutes(16));
    make(&app).await;
    assert!(attempts(5).await, "given up");
    let repair =
        format!("UPDATE outbox SET payload = substr(payload, 1, length(payload) - 1) {of}");
    app.execute(Service::User, &repair).await;
    w.user_token = login(&app, &w.tenant, "joao@sobrevive.example").await;
    let again = w.user(&app).get(&path).await.expect(202);
    assert_ne!(again.body, first.body, "a new request");
    make(&app).await;
    w.user(&app).get(&path).await.expect(200);
    app.stop().await;
}

async fn a_document_is_handed_out_for_an_hour_and_kept_for_a_day(app: TestApp) {
    let mut w = World::new(&app, "prazo.example").await;
    let path = format!("/users/{}/export", w.user);
    let first = export(&app, w.user(&app), &w.user).await;
    w.wait(&app, TimeDelta::minutes(59)).await;
    assert_eq!(w.user(&app).get(&path).await.expect(200).body, first.body);
    w.wait(&app, TimeDelta::minutes(1)).await;
    let second = export(&app, w.user(&app), &w.user).await;
    assert_ne!(second.body["generated_at"], first.body["generated_at"]);
    let rows = "UPDATE personal_exports SET attempts = attempts";
    app.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    make(&app).await;
    assert_eq!(app.execute(Service::User, rows).await, 1);
    app.clock.advance(TimeDelta::seconds(1));
    make(&app).await;
    assert_eq!(app.execute(Service::User, rows).await, 0);
    app.stop().await;
}
