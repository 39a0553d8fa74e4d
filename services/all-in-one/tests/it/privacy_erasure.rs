//! Erasure: bookings that still count, and nobody in them. What is left is looked for in every column of
//! every table.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use common::db::{Engine, Scope};
use contracts::Service;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{By, by, column, security_events, well_refused};
use crate::privacy::{WORDS, booked, export};
use crate::world::{World, twin};

testkit::on_both_engines!(crate::world::guarded =>
    an_erased_person_leaves_bookings_that_count_and_no_name,
    an_erasure_may_come_before_the_deletion_and_again,
    a_booking_that_slips_through_is_made_nameless_too,
    an_erased_admin_is_nobody_in_what_he_did_for_others,
);

/// Every row of a query's only column.
async fn lines(app: &TestApp, service: Service, sql: &str) -> Vec<String> {
    let found = app.running.services().iter().find(|candidate| candidate.name == service);
    let db = found.unwrap().database.read(Scope::All);
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect()
}

fn engine(app: &TestApp) -> Engine {
    app.running.services()[0].database.engine()
}

/// Every row of a table as text, all columns of it.
async fn dump(app: &TestApp, service: Service, table: &str) -> Vec<String> {
    let line = match engine(app) {
        Engine::Postgres => format!("SELECT t::text AS line FROM {table} t"),
        Engine::Sqlite => {
            let sql = format!("SELECT name FROM pragma_table_info('{table}')");
            let columns = lines(app, service, &sql).await;
            let columns: Vec<String> =
                columns.iter().map(|name| format!("quote(\"{name}\")")).collect();
            format!("SELECT {} AS line FROM {table}", columns.join(" || ' ' || "))
        }
    };
    let mut rows = lines(app, service, &line).await;
    rows.sort();
    rows
}

/// The tables of the user and the booking service in which `text` stands anywhere.
pub(crate) async fn traces(app: &TestApp, text: &str) -> Vec<String> {
    let tables = match engine(app) {
        Engine::Postgres => {
            "SELECT table_name::text FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        }
        Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
    };
    let text = text.to_lowercase();
    // `SQLite` keeps ids as bytes.
    let bytes = text.parse::<uuid::Uuid>().map(|id| id.simple().to_string());
    let mut found = Vec::new();
    for service in [Service::User, Service::Booking] {
        for table in lines(app, service, tables).await {
            let rows = dump(app, service, &table).await.join("\n").to_lowercase();
            if rows.contains(&text) || bytes.as_ref().is_ok_and(|bytes| rows.contains(bytes)) {
                found.push(format!("{}.{table}", service.name()));
            }
        }
    }
    found.sort();
    found
}

/// Where and when bookings are, and how they stand; of active ones only where and when.
async fn countable(app: &TestApp) -> Vec<String> {
    let sql = "SELECT confirmation_code || ' ' || start_time || ' ' || end_time || ' ' || \
               CASE WHEN status IN ('pendente', 'confirmado') THEN 'cancelado' ELSE status END \
               FROM booking ORDER BY confirmation_code";
    lines(app, Service::Booking, sql).await
}

/// A world whose user has bookings of every kind, with words in rows and in events.
async fn busy(app: &TestApp, domain: &str) -> (World, Vec<String>) {
    let w = World::new(app, domain).await;
    let active = booked(app, &w, 13, &w.user, Some(&w.user)).await;
    let edit = json!({ "notes": format!("{WORDS} de novo") });
    w.user(app).put(&format!("/bookings/{active}"), edit).await.expect(200);
    let cancelled = booked(app, &w, 14, &w.user, None).await;
    let reason = json!({ "reason": WORDS });
    w.user(app).patch(&format!("/bookings/{cancelled}/cancel"), reason).await.expect(200);
    let as_client = booked(app, &w, 15, &w.admin, Some(&w.user)).await;
    let forgotten = json!({ "email": format!("joao@{domain}") });
    app.post("/auth/password/recover", forgotten).await.expect(202);
    export(app, w.user(app), &w.user).await;
    app.settle().await;
    (w, vec![active, cancelled, as_client])
}

async fn erase(app: &TestApp, who: By<'_>, id: &str) {
    who.post(&format!("/users/{id}/erasure"), Value::Null).await.expect(204);
    app.settle().await;
}

async fn run_everywhere(app: &TestApp, name: &str) {
    for job in app.running.services().iter().flat_map(|service| &service.jobs) {
        if job.name == name {
            (job.run)().await.unwrap();
        }
    }
}

async fn an_erased_person_leaves_bookings_that_count_and_no_name(app: TestApp) {
    let (w, bookings) = busy(&app, "apaga.example").await;
    let email = "joao@apaga.example";
    for text in [email, "joão silva", WORDS, w.user.as_str()] {
        assert!(!traces(&app, text).await.is_empty(), "{text} is looked for where it is");
    }
    let before = countable(&app).await;
    erase(&app, w.user(&app), &w.user).await;
    assert_eq!(countable(&app).await, before);
    for text in [email, "joão silva", WORDS] {
        assert_eq!(traces(&app, text).await, Vec::<String>::new(), "{text}");
    }
    // The id alone goes with the events, and with what keeps new bookings away.
    let kept = ["booking.outbox", "booking.tombstone", "user.outbox"];
    assert_eq!(traces(&app, &w.user).await, kept);
    let list = w.admin(&app).get("/bookings/").await.expect(200);
    assert_eq!(BTreeSet::from_iter(column(&list, "id")), BTreeSet::from_iter(bookings.clone()));
    let rows = list.body.as_array().unwrap();
    let of = |id: &String| rows.iter().find(|row| row["id"] == id.as_str()).unwrap();
    let nobody = of(&bookings[0])["user_id"].as_str().unwrap();
    assert_eq!(nobody.parse::<uuid::Uuid>().unwrap().get_version_num(), 4);
    assert_ne!(nobody, w.user);
    for (id, field) in [(0, "client_id"), (1, "user_id"), (1, "cancelled_by"), (2, "client_id")] {
        assert_eq!(of(&bookings[id])[field], nobody, "{id} {field}");
    }
    assert_eq!(of(&bookings[2])["user_id"], w.admin.as_str());
    // The person is gone, and nothing new can be booked.
    well_refused(w.user(&app).get("/users/me").await, 401, "unauthorized");
    w.admin(&app).get(&format!("/users/{}/export", w.user)).await.expect(404);
    let again = w.booking("2027-03-04T17:00:00Z", "2027-03-04T18:00:00Z");
    w.admin(&app).post("/bookings/", again).await.expect(404);
    let mut told = security_events(&app).await;
    told.retain(|event| event.event_type == "security.user_erased");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].payload, json!({ "tenant_id": w.tenant, "user_id": w.user }));
    // After the retention nothing is left.
    app.clock.advance(TimeDelta::days(8));
    run_everywhere(&app, "prune the outbox").await;
    run_everywhere(&app, "sweep deletions").await;
    assert_eq!(traces(&app, &w.user).await, Vec::<String>::new());
    assert_eq!(countable(&app).await, before);
    app.stop().await;
}

async fn an_erasure_may_come_before_the_deletion_and_again(app: TestApp) {
    let (w, _) = busy(&app, "ordem.example").await;
    let before = countable(&app).await;
    w.admin(&app).post(&format!("/users/{}/erasure", w.user), Value::Null).await.expect(204);
    // Not numbered yet: the two events change places.
    let swap = "UPDATE outbox SET event_type = CASE event_type \
                WHEN 'user.deleted' THEN 'security.user_erased' ELSE 'user.deleted' END \
                WHERE event_type IN ('user.deleted', 'security.user_erased')";
    assert_eq!(app.execute(Service::User, swap).await, 2);
    app.settle().await;
    let nameless = async |app: &TestApp| {
        assert_eq!(countable(app).await, before);
        assert_eq!(traces(app, WORDS).await, Vec::<String>::new());
        let kept = ["booking.outbox", "booking.tombstone", "user.outbox"];
        assert_eq!(traces(app, &w.user).await, kept);
    };
    nameless(&app).await;
    // Every event is delivered again: to the row, nothing is another.
    let rows = dump(&app, Service::Booking, "booking").await;
    app.execute(Service::Booking, "UPDATE checkpoint SET pos = 0").await;
    let other = twin(&app, &[]).await;
    other.settle().await;
    nameless(&other).await;
    assert_eq!(dump(&other, Service::Booking, "booking").await, rows);
    let at = lines(
        &other,
        Service::Booking,
        "SELECT CAST(min(pos) AS text) FROM checkpoint \
                   WHERE source = 'user'",
    )
    .await;
    assert_ne!(at, ["0"], "they were");
    other.stop().await;
    app.stop().await;
}

async fn a_booking_that_slips_through_is_made_nameless_too(app: TestApp) {
    let (w, bookings) = busy(&app, "atrasada.example").await;
    erase(&app, w.admin(&app), &w.user).await;
    // A statement that began before the erasure was known ends after it.
    let old = w.user.parse::<uuid::Uuid>().unwrap();
    let old = match engine(&app) {
        Engine::Postgres => format!("'{old}'"),
        Engine::Sqlite => format!("x'{}'", old.simple()),
    };
    let late = format!(
        "UPDATE booking SET user_id = {old}, notes = '{WORDS}' WHERE user_id IN \
         (SELECT user_id FROM booking WHERE notes IS NULL AND cancelled_at IS NOT NULL)"
    );
    assert_eq!(app.execute(Service::Booking, &late).await, 2);
    app.run_job("sweep deletions").await.unwrap();
    assert_eq!(traces(&app, WORDS).await, Vec::<String>::new());
    let list = w.admin(&app).get("/bookings/").await.expect(200);
    assert_eq!(list.body.as_array().unwrap().len(), bookings.len());
    assert!(!list.text.contains(&w.user));
    app.stop().await;
}

async fn an_erased_admin_is_nobody_in_what_he_did_for_others(app: TestApp) {
    let w = World::new(&app, "chefe.example").await;
    let (bia, token) = w.join(&app, "bia", "admin", json!({})).await;
    let booking = booked(&app, &w, 13, &w.user, None).await;
    let path = format!("/bookings/{booking}");
    let reason = json!({ "reason": "sala em obras" });
    by(&app, &token).patch(&format!("{path}/cancel"), reason).await.expect(200);
    let keys = format!("/tenants/{}/api-keys", w.tenant);
    let key = json!({ "name": "Site", "scopes": {} });
    by(&app, &token).post(&keys, key).await.expect(201);
    by(&app, &token).get(&format!("/users/{}/export", w.user)).await.expect(202);
    erase(&app, w.admin(&app), &bia).await;
    let shown = w.admin(&app).get(&path).await.expect(200);
    let by_whom = shown.body["cancelled_by"].as_str().unwrap();
    assert_ne!(by_whom, bia);
    // The booking itself is João's: it keeps what was written to it.
    assert_eq!(shown.body["user_id"], w.user.as_str());
    assert_eq!(shown.body["cancellation_reason"], "sala em obras");
    assert_eq!(shown.body["notes"], format!("{WORDS} 13"));
    assert_eq!(w.admin(&app).get(&keys).await.expect(200).body[0]["created_by"], Value::Null);
    let kept = ["booking.outbox", "booking.tombstone", "user.outbox"];
    assert_eq!(traces(&app, &bia).await, kept);
    app.stop().await;
}
