//! §1 and §9: something needed to answer correctly is away. A neighbour whose database is gone
//! answers 503 itself, which is what its clients see of an outage.

use common::db::{Scope, Tx};
use contracts::Service;
use sea_orm::{ConnectionTrait as _, DbErr};
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{JSON, by, column, refused, well_refused};
use crate::world::{World, twin};

testkit::on_both_engines!(crate::world::guarded =>
    without_bookings_no_day_is_called_free,
    what_cannot_be_verified_is_not_booked,
    the_last_known_settings_serve,
    settings_never_seen_are_not_guessed_for_a_booking,
    settings_never_seen_show_a_day_by_the_defaults,
    every_service_says_503_without_its_database,
);

const AWAY: &str = "Serviço temporariamente indisponível. Tente novamente.";

async fn take_away(app: &TestApp, service: Service) {
    let found = app.running.services().iter().find(|found| found.name == service);
    found.unwrap().database.clone().close().await;
}

#[track_caller]
fn away(answer: Answer) {
    let answer = refused(answer, 503, "unavailable", AWAY);
    assert!(!answer.header("retry-after").is_empty());
}

async fn without_bookings_no_day_is_called_free(app: TestApp) {
    let w = World::new(&app, "livre.example").await;
    let warm = w.day(&app, "2027-03-02").await.expect(200);
    take_away(&app, Service::Booking).await;
    away(w.day(&app, "2027-03-03").await);
    let path = format!("/resources/{}/availability?date=2027-03-02", w.resource);
    away(w.user(&app).raw("GET", &path, &[("cache-control", "no-cache")], "").await);
    // What is fresh in the cache may still be told.
    assert_eq!(w.day(&app, "2027-03-02").await.expect(200).body, warm.body);
    app.stop().await;
}

async fn what_cannot_be_verified_is_not_booked(app: TestApp) {
    let w = World::new(&app, "prova.example").await;
    for service in [Service::Resource, Service::User] {
        let cold = twin(&app, &[]).await;
        // The token has been seen; then the neighbour goes.
        by(&cold, &w.admin_token).get("/bookings/").await.expect(200);
        take_away(&cold, service).await;
        let body = w.booking("2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z");
        away(by(&cold, &w.admin_token).post("/bookings/", body).await);
        cold.stop().await;
    }
    let list = w.admin(&app).get("/bookings/").await.expect(200);
    assert_eq!(column(&list, "id"), Vec::<String>::new(), "nothing was written");
    app.stop().await;
}

async fn the_last_known_settings_serve(app: TestApp) {
    let w = World::new(&app, "antes.example").await;
    w.book(&app, "2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").await.expect(201);
    w.day(&app, "2027-03-02").await.expect(200);
    let later = twin(&app, &[]).await;
    take_away(&later, Service::Tenant).await;
    w.book(&later, "2027-03-02T14:00:00Z", "2027-03-02T15:00:00Z").await.expect(201);
    let day = w.day(&later, "2027-03-03").await.expect(200);
    assert_eq!(day.body["timezone"], "America/Sao_Paulo");
    assert_eq!(day.body["slots"].as_array().map(Vec::len), Some(16));
    assert_eq!(day.body["settings_source"], Value::Null);
    later.stop().await;
    app.stop().await;
}

async fn settings_never_seen_are_not_guessed_for_a_booking(app: TestApp) {
    let w = World::new(&app, "nunca.example").await;
    let empty = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/booking.db?mode=rwc", empty.path().display());
    let cold = twin(&app, &[("BOOKING_DATABASE_URL", &url)]).await;
    take_away(&cold, Service::Tenant).await;
    let answer = w.book(&cold, "2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").await;
    let text = "Configurações do tenant indisponíveis. Tente novamente.";
    let answer = refused(answer, 503, "settings_unavailable", text);
    assert!(!answer.header("retry-after").is_empty());
    let list = w.user(&cold).get("/bookings/").await.expect(200);
    assert_eq!(list.body, json!([]));
    cold.stop().await;
    app.stop().await;
}

/// Where the settings were never seen, a day is shown by the defaults, and says so.
async fn settings_never_seen_show_a_day_by_the_defaults(app: TestApp) {
    let w = World::new(&app, "padrao.example").await;
    let resources = app.running.services().iter().find(|found| found.name == Service::Resource);
    let forget = "DELETE FROM settings_snapshot";
    let forget = |tx: Tx| async move { tx.execute_unprepared(forget).await };
    let database = &resources.unwrap().database;
    let _: sea_orm::ExecResult =
        database.transact::<_, DbErr, _, _>(Scope::All, forget).await.unwrap();
    let cold = twin(&app, &[]).await;
    take_away(&cold, Service::Tenant).await;
    let day = w.day(&cold, "2027-03-02").await.expect(200);
    assert_eq!(day.body["settings_source"], "default");
    assert_eq!(day.header("cache-control"), "no-store");
    assert_eq!(day.body["timezone"], "UTC");
    let slots = day.body["slots"].as_array().unwrap();
    assert_eq!(slots.len(), 20);
    assert_eq!(slots[0]["start_time"], "2027-03-02T08:00:00Z");
    cold.stop().await;
    app.stop().await;
}

async fn every_service_says_503_without_its_database(app: TestApp) {
    let w = World::new(&app, "banco.example").await;
    // Warm what a token needs, so that each service is asked for itself.
    for path in
        ["/users/me", "/resources/", "/bookings/", &format!("/tenants/{}/settings", w.tenant)]
    {
        w.admin(&app).get(path).await.expect(200);
    }
    let booking = w.booking("2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z");
    w.user(&app).post("/bookings/", booking).await.expect(201);
    for service in [Service::Booking, Service::Resource, Service::Tenant, Service::User] {
        take_away(&app, service).await;
    }
    let paths = [
        "/tenants/".to_owned(),
        format!("/tenants/{}", w.tenant),
        "/users/".to_owned(),
        format!("/users/{}", w.user),
        "/categories/".to_owned(),
        "/resources/".to_owned(),
        "/bookings/".to_owned(),
        format!("/bookings/{}", w.user),
    ];
    for path in &paths {
        away(w.admin(&app).get(path).await);
    }
    let another = w.booking("2027-03-02T15:00:00Z", "2027-03-02T16:00:00Z");
    away(w.user(&app).post("/bookings/", another).await);
    away(by(&app, "").post("/tenants/", crate::world::tenant("x.example", &json!({}))).await);
    let login = json!({ "email": "ana@banco.example", "password": crate::world::PASSWORD });
    away(by(&app, "").raw("POST", "/users/login", &[JSON], &login.to_string()).await);
    well_refused(app.get("/nope").await, 404, "not_found");
    let ready = app.get("/ready").await.expect(503);
    assert!(ready.text.contains("\"database\":\"down\""), "{}", ready.text);
    app.get("/health").await.expect(200);
    app.stop().await;
}
