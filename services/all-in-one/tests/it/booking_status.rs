//! `PATCH /bookings/{id}/status`.

use chrono::Duration;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{By, booking_events, by, invalid, names, refused, well_refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    every_status_can_be_reached_and_each_change_is_told_once,
    plain_users_do_not_confirm,
    coming_back_needs_a_free_interval,
    a_status_is_one_of_those_that_can_be_set,
    put_follows_the_same_rules,
);

async fn set(who: By<'_>, id: &str, status: &str) -> Answer {
    who.patch(&format!("/bookings/{id}/status?status_param={status}"), Value::Null).await
}

async fn every_status_can_be_reached_and_each_change_is_told_once(app: TestApp) {
    let w = World::new(&app, "estados.example").await;
    let id = w.book(&app, "2027-03-04T13:00:00Z", "2027-03-04T14:00:00Z").await.expect(201).id();
    let admin = w.admin(&app);
    for (version, status) in
        [(2, "confirmado"), (2, "confirmado"), (3, "pendente"), (4, "concluido"), (5, "sem_dados")]
    {
        let answer = set(admin, &id, status).await.expect(200);
        assert_eq!(
            (&answer.body["status"], &answer.body["version"]),
            (&json!(status), &json!(version))
        );
        assert_eq!(answer.header("etag"), format!("\"b-{version}\""));
        let active = matches!(status, "pendente" | "confirmado");
        assert_eq!(answer.body["can_cancel"], active, "{status}");
    }
    let mut expected = vec!["booking.created"];
    expected.extend(["booking.status_changed"; 4]);
    assert_eq!(names(&booking_events(&app).await), expected);
    app.stop().await;
}

async fn plain_users_do_not_confirm(app: TestApp) {
    let w = World::new(&app, "comum.example").await;
    let id = w.book(&app, "2027-03-04T13:00:00Z", "2027-03-04T14:00:00Z").await.expect(201).id();
    let user = w.user(&app);
    let no = "Você não tem permissão para esta operação.";
    refused(set(user, &id, "confirmado").await, 403, "forbidden", no);
    let other =
        w.join(&app, "outra", "user", json!({ "can_book": true, "can_view_all_bookings": true }));
    let (_, other) = other.await;
    refused(set(by(&app, &other), &id, "concluido").await, 403, "forbidden", no);
    assert_eq!(user.get(&format!("/bookings/{id}")).await.expect(200).body["status"], "pendente");
    set(w.admin(&app), &id, "confirmado").await.expect(200);
    // The owner may still take it back and cancel it.
    set(user, &id, "pendente").await.expect(200);
    // Nor do they say of themselves that they did not come: what nobody came to counts for no limit.
    refused(set(user, &id, "nao_compareceu").await, 403, "forbidden", no);
    set(user, &id, "cancelado").await.expect(200);
    let missing = set(user, "00000000-0000-7000-8000-000000000000", "pendente").await;
    refused(missing, 404, "not_found", "Reserva não encontrada");
    app.stop().await;
}

async fn coming_back_needs_a_free_interval(app: TestApp) {
    let w = World::new(&app, "volta.example").await;
    let (start, end) = ("2027-03-04T13:00:00Z", "2027-03-04T14:00:00Z");
    let (user, admin) = (w.user(&app), w.admin(&app));
    let old = w.book(&app, start, end).await.expect(201).id();
    set(user, &old, "cancelado").await.expect(200);
    let new = w.book(&app, start, end).await.expect(201).id();
    for status in ["pendente", "confirmado"] {
        let answer = set(admin, &old, status).await;
        let answer = refused(answer, 409, "conflict", "Recurso já possui reserva neste intervalo");
        assert_eq!(answer.body["conflicts"][0]["booking_id"], new.as_str());
    }
    // Between two states that take no interval nothing is looked for.
    set(admin, &old, "sem_dados").await.expect(200);
    set(user, &new, "cancelado").await.expect(200);
    let back = set(admin, &old, "confirmado").await.expect(200);
    for field in ["cancelled_at", "cancelled_by", "cancellation_reason"] {
        assert_eq!(back.body[field], Value::Null, "{field}");
    }
    let again = w.book(&app, start, end).await;
    well_refused(again, 409, "conflict");
    app.stop().await;
}

async fn a_status_is_one_of_those_that_can_be_set(app: TestApp) {
    let w = World::new(&app, "palavras.example").await;
    let id = w.book(&app, "2027-03-04T13:00:00Z", "2027-03-04T14:00:00Z").await.expect(201).id();
    for status in ["talvez", "", "PENDENTE", "reservado"] {
        invalid(set(w.admin(&app), &id, status).await, &["status_param"]);
    }
    let missing = w.admin(&app).patch(&format!("/bookings/{id}/status"), Value::Null).await;
    invalid(missing, &["status_param"]);
    app.stop().await;
}

async fn put_follows_the_same_rules(app: TestApp) {
    let mut w = World::new(&app, "put.example").await;
    let id = w.book(&app, "2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").await.expect(201).id();
    let path = format!("/bookings/{id}");
    let done = w.user(&app).put(&path, json!({ "status": "cancelado" })).await.expect(200);
    assert_eq!(done.body["cancelled_by"], w.user.as_str());
    assert_eq!(done.body["cancelled_at"], "2027-03-01T12:00:00Z");
    w.book(&app, "2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").await.expect(201);
    let back = w.user(&app).put(&path, json!({ "status": "pendente" })).await;
    well_refused(back, 409, "conflict");
    // To a free hour it may come back in one step.
    let edit = json!({
        "status": "pendente", "start_time": "2027-03-02T15:00:00Z", "end_time": "2027-03-02T16:00:00Z",
    });
    let back = w.user(&app).put(&path, edit).await.expect(200);
    assert_eq!((&back.body["status"], &back.body["version"]), (&json!("pendente"), &json!(3)));
    // 26 hours ahead now, 24 in two hours.
    w.wait(&app, Duration::hours(2)).await;
    let late = w.user(&app).put(&path, json!({ "status": "cancelado" })).await.expect(200);
    assert_eq!(late.body["version"], 4);
    let events = booking_events(&app).await;
    let events: Vec<_> =
        events.iter().filter(|event| event.payload["booking_id"] == id.as_str()).cloned().collect();
    assert_eq!(
        names(&events),
        ["booking.created", "booking.cancelled", "booking.updated", "booking.cancelled"]
    );
    app.stop().await;
}
