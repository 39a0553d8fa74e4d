//! §8: what is told of bookings, and what follows from deletions elsewhere.

use common::db::Scope;
use contracts::Service;
use contracts::event::Envelope;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{booking_events, column, keys, names, refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    each_change_is_one_event_with_the_documented_payload,
    a_cancellation_says_who_and_why,
    refused_requests_tell_nothing,
    a_deleted_resource_cancels_its_active_bookings,
    a_deleted_user_leaves_no_active_booking,
    a_deleted_tenant_takes_everything_along,
);

/// An event's payload without its ids, which must be these.
fn payload(event: &Envelope, w: &World, booking: &str) -> Value {
    let mut payload = event.payload.clone();
    for (name, id) in [
        ("booking_id", booking),
        ("user_id", &w.user),
        ("resource_id", &w.resource),
        ("tenant_id", &w.tenant),
    ] {
        assert_eq!(payload[name], id, "{name} of {}", event.event_type);
        payload.as_object_mut().unwrap().remove(name);
    }
    payload
}

async fn each_change_is_one_event_with_the_documented_payload(app: TestApp) {
    let w = World::new(&app, "conta.example").await;
    let made = w.book(&app, "2027-03-04T13:00:00Z", "2027-03-04T14:00:00Z").await.expect(201);
    let id = made.id();
    let path = format!("/bookings/{id}");
    app.clock.advance(chrono::Duration::seconds(1));
    let edit = json!({
        "notes": "janela", "start_time": "2027-03-04T14:00:00Z", "end_time": "2027-03-04T15:00:00Z",
        "recurring_enabled": false,
    });
    w.user(&app).put(&path, edit.clone()).await.expect(200);
    w.user(&app).put(&path, edit).await.expect(200);
    w.admin(&app)
        .patch(&format!("{path}/status?status_param=confirmado"), Value::Null)
        .await
        .expect(200);
    w.user(&app).patch(&format!("{path}/cancel"), json!({})).await.expect(200);
    let events = booking_events(&app).await;
    assert_eq!(
        names(&events),
        ["booking.created", "booking.updated", "booking.status_changed", "booking.cancelled",]
    );
    let (old, new) = (
        ("2027-03-04T13:00:00Z", "2027-03-04T14:00:00Z"),
        ("2027-03-04T14:00:00Z", "2027-03-04T15:00:00Z"),
    );
    let expected = [
        json!({ "status": "pendente", "start_time": old.0, "end_time": old.1 }),
        json!({ "changes": {
            "notes": { "old": null, "new": "janela" },
            "start_time": { "old": old.0, "new": new.0 },
            "end_time": { "old": old.1, "new": new.1 },
        } }),
        json!({ "old_status": "pendente", "new_status": "confirmado", "start_time": new.0, "end_time": new.1 }),
        json!({ "reason": null, "cancelled_by": w.user, "start_time": new.0, "end_time": new.1 }),
    ];
    for ((event, expected), sequence) in events.iter().zip(expected).zip(1..) {
        assert_eq!(payload(event, &w, &id), expected);
        let metadata = serde_json::to_value(&event.metadata).unwrap();
        for key in [
            "event_id",
            "tenant_id",
            "occurred_at",
            "aggregate_id",
            "sequence",
            "trace_id",
            "schema_version",
        ] {
            assert!(keys(&metadata).contains(&key), "{key} in {metadata}");
        }
        assert_eq!(event.metadata.sequence, sequence);
        assert_eq!(event.metadata.aggregate_id.to_string(), id);
        assert_eq!(event.metadata.tenant_id.to_string(), w.tenant);
        assert_eq!(metadata["schema_version"], 1);
    }
    assert_eq!(events[0].metadata.trace_id, made.header("x-request-id"));
    assert_eq!(
        events[1].metadata.occurred_at,
        events[0].metadata.occurred_at + chrono::Duration::seconds(1)
    );
    let mut ids: Vec<_> = events.iter().map(|event| event.metadata.event_id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    app.stop().await;
}

async fn a_cancellation_says_who_and_why(app: TestApp) {
    let w = World::new(&app, "motivo.example").await;
    let id = w.book(&app, "2027-03-04T13:00:00Z", "2027-03-04T14:00:00Z").await.expect(201).id();
    let reason = json!({ "reason": "chuva" });
    w.admin(&app).patch(&format!("/bookings/{id}/cancel"), reason).await.expect(200);
    let events = booking_events(&app).await;
    let expected = json!({
        "reason": "chuva", "cancelled_by": w.admin,
        "start_time": "2027-03-04T13:00:00Z", "end_time": "2027-03-04T14:00:00Z",
    });
    assert_eq!(payload(&events[1], &w, &id), expected);
    app.stop().await;
}

async fn refused_requests_tell_nothing(app: TestApp) {
    let w = World::new(&app, "nada.example").await;
    let id = w.book(&app, "2027-03-02T12:00:00Z", "2027-03-02T13:00:00Z").await.expect(201).id();
    app.clock.advance(chrono::Duration::seconds(1));
    let (user, path) = (w.user(&app), format!("/bookings/{id}"));
    w.book(&app, "2027-03-02T12:00:00Z", "2027-03-02T13:00:00Z").await.expect(409);
    w.book(&app, "2027-02-02T12:00:00Z", "2027-02-02T13:00:00Z").await.expect(400);
    w.book(&app, "x", "y").await.expect(422);
    user.put(&path, json!({ "end_time": "2027-03-02T13:10:00Z", "notes": "x" })).await.expect(400);
    user.put(&path, json!({ "status": "confirmado" })).await.expect(403);
    user.patch(&format!("{path}/cancel"), Value::Null).await.expect(400);
    user.patch(&format!("{path}/status?status_param=nada"), Value::Null).await.expect(422);
    user.put(&path, json!({})).await.expect(200);
    user.patch(&format!("{path}/status?status_param=pendente"), Value::Null).await.expect(200);
    assert_eq!(names(&booking_events(&app).await), ["booking.created"]);
    app.stop().await;
}

/// Two active bookings and one that is over, of the world's user on the world's resource.
async fn three(app: &TestApp, w: &World) -> [String; 3] {
    let book = async |hour: usize| {
        let (start, end) =
            (format!("2027-03-04T{hour}:00:00Z"), format!("2027-03-04T{}:00:00Z", hour + 1));
        w.book(app, &start, &end).await.expect(201).id()
    };
    let ids = [book(13).await, book(14).await, book(15).await];
    for (id, status) in [(&ids[1], "confirmado"), (&ids[2], "concluido")] {
        let path = format!("/bookings/{id}/status?status_param={status}");
        w.admin(app).patch(&path, Value::Null).await.expect(200);
    }
    ids
}

async fn cancelled_by_the_system(app: &TestApp, w: &World, ids: &[String; 3], reason: &str) {
    app.clock.advance(chrono::Duration::seconds(2));
    app.settle().await;
    for id in &ids[..2] {
        let now = w.admin(app).get(&format!("/bookings/{id}")).await.expect(200).body;
        assert_eq!(now["status"], "cancelado");
        assert_eq!(now["cancellation_reason"], reason);
        assert!(now["cancelled_at"].is_string() && now["cancelled_by"].is_null(), "{now}");
    }
    let over = w.admin(app).get(&format!("/bookings/{}", ids[2])).await.expect(200).body;
    assert_eq!((&over["status"], &over["version"]), (&json!("concluido"), &json!(2)));
    let events = booking_events(app).await;
    let cancelled: Vec<_> =
        events.iter().filter(|event| event.event_type == "booking.cancelled").collect();
    assert_eq!(cancelled.len(), 2, "one each");
    for event in cancelled {
        let id = event.payload["booking_id"].as_str().unwrap();
        assert!(ids[..2].iter().any(|known| known == id));
        let payload = payload(event, w, id);
        assert_eq!(keys(&payload), ["cancelled_by", "end_time", "reason", "start_time"]);
        assert_eq!((&payload["reason"], &payload["cancelled_by"]), (&json!(reason), &Value::Null));
    }
}

async fn a_deleted_resource_cancels_its_active_bookings(app: TestApp) {
    let w = World::new(&app, "sala.example").await;
    let ids = three(&app, &w).await;
    w.admin(&app).delete(&format!("/resources/{}", w.resource)).await.expect(204);
    cancelled_by_the_system(&app, &w, &ids, "Recurso deletado").await;
    let again = w.book(&app, "2027-03-04T16:00:00Z", "2027-03-04T17:00:00Z").await;
    refused(again, 404, "not_found", "Recurso não encontrado");
    app.stop().await;
}

async fn a_deleted_user_leaves_no_active_booking(app: TestApp) {
    let w = World::new(&app, "gente.example").await;
    let ids = three(&app, &w).await;
    w.admin(&app).delete(&format!("/users/{}", w.user)).await.expect(204);
    cancelled_by_the_system(&app, &w, &ids, "Usuário deletado").await;
    let body = w.booking("2027-03-04T16:00:00Z", "2027-03-04T17:00:00Z");
    let again = w.admin(&app).post("/bookings/", body).await;
    refused(again, 404, "not_found", "Usuário não encontrado");
    // Their hours are free again.
    let path = format!("/resources/{}/availability?date=2027-03-04", w.resource);
    let day = w.admin(&app).get(&path).await.expect(200);
    assert_eq!(day.body["slots"].as_array().map(Vec::len), Some(16));
    app.stop().await;
}

async fn a_deleted_tenant_takes_everything_along(app: TestApp) {
    let w = World::new(&app, "fim.example").await;
    let other = World::new(&app, "fica.example").await;
    three(&app, &w).await;
    let kept = three(&app, &other).await;
    w.admin(&app).delete(&format!("/tenants/{}", w.tenant)).await.expect(204);
    app.settle().await;
    let count = async |service: Service, table: &str| {
        let found = app.running.services().iter().find(|found| found.name == service).unwrap();
        let sql = format!("SELECT count(*) AS n FROM {table}");
        let reader = found.database.read(Scope::All);
        let statement = Statement::from_string(reader.get_database_backend(), sql);
        let row = reader.query_one_raw(statement).await;
        row.unwrap().unwrap().try_get::<i64>("", "n").unwrap()
    };
    // What is left is the other tenant's: one tenant, two users, a category, a resource, three bookings.
    assert_eq!(count(Service::Booking, "booking").await, 3);
    assert_eq!(count(Service::Resource, "resource").await, 1);
    assert_eq!(count(Service::Resource, "category").await, 1);
    let users = other.admin(&app).get("/users/").await.expect(200);
    assert_eq!(column(&users, "name"), ["Ana Admin", "João Silva"]);
    assert_eq!(
        column(&other.admin(&app).get("/bookings/").await.expect(200), "id").len(),
        kept.len()
    );
    refused(
        app.get(&format!("/tenants/{}", w.tenant)).await,
        404,
        "not_found",
        "Tenant não encontrado",
    );
    app.stop().await;
}
