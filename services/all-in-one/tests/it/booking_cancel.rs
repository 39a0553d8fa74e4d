//! `PATCH /bookings/{id}/cancel` and the rules of cancelling.

use chrono::Duration;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{booking_events, invalid, names, refused, well_refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    a_cancelled_booking_says_who_when_and_why_once,
    one_may_cancel_until_the_very_second,
    with_zero_hours_one_may_always_cancel,
    the_policy_of_the_booking_is_kept_with_it,
    owners_and_admins_cancel_and_nobody_else,
    the_reason_is_short_text,
);

async fn booked(app: &TestApp, w: &World, start: &str, end: &str) -> String {
    format!("/bookings/{}", w.book(app, start, end).await.expect(201).id())
}

async fn a_cancelled_booking_says_who_when_and_why_once(app: TestApp) {
    let mut w = World::new(&app, "cancela.example").await;
    let path = booked(&app, &w, "2027-03-03T13:00:00Z", "2027-03-03T14:00:00Z").await;
    app.clock.advance(Duration::seconds(7));
    let cancel = format!("{path}/cancel");
    let done = w.user(&app).patch(&cancel, json!({ "reason": "chuva" })).await.expect(200);
    assert_eq!(done.header("etag"), "\"b-2\"");
    for (field, value) in [
        ("status", json!("cancelado")),
        ("cancellation_reason", json!("chuva")),
        ("cancelled_at", json!("2027-03-01T12:00:07Z")),
        ("cancelled_by", json!(w.user)),
        ("version", json!(2)),
        ("can_cancel", json!(false)),
    ] {
        assert_eq!(done.body[field], value, "{field}");
    }
    w.wait(&app, Duration::days(5)).await;
    for body in [json!({ "reason": "outra" }), Value::Null, json!({})] {
        let again = w.admin(&app).patch(&cancel, body).await.expect(200);
        assert_eq!(again.body, done.body, "cancelling twice changes nothing");
    }
    let status = format!("{path}/status?status_param=cancelado");
    let again = w.user(&app).patch(&status, Value::Null).await.expect(200);
    assert_eq!(again.body, done.body);
    assert_eq!(names(&booking_events(&app).await), ["booking.created", "booking.cancelled"]);
    app.stop().await;
}

/// 24 hours before the start, that instant included, by every route that cancels.
async fn one_may_cancel_until_the_very_second(app: TestApp) {
    let mut w = World::new(&app, "limite.example").await;
    let late = "Cancelamento permitido somente até 24 horas antes do início.";
    let path = booked(&app, &w, "2027-03-02T12:00:00Z", "2027-03-02T13:00:00Z").await;
    let twin = booked(&app, &w, "2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").await;
    let user = w.user(&app);
    assert_eq!(user.get(&path).await.expect(200).body["can_cancel"], true);
    app.clock.advance(Duration::seconds(1));
    assert_eq!(user.get(&path).await.expect(200).body["can_cancel"], false);
    for answer in [
        user.patch(&format!("{path}/cancel"), json!({ "reason": "tarde" })).await,
        user.patch(&format!("{path}/status?status_param=cancelado"), Value::Null).await,
        user.put(&path, json!({ "status": "cancelado", "notes": "tarde" })).await,
        w.admin(&app).patch(&format!("{path}/cancel"), Value::Null).await,
    ] {
        refused(answer, 400, "too_late_to_cancel", late);
    }
    let now = user.get(&path).await.expect(200);
    assert_eq!((&now.body["version"], &now.body["notes"]), (&json!(1), &Value::Null));
    w.wait(&app, Duration::seconds(3_599)).await;
    w.user(&app).patch(&format!("{twin}/cancel"), Value::Null).await.expect(200);
    assert_eq!(booking_events(&app).await.len(), 3);
    app.stop().await;
}

async fn with_zero_hours_one_may_always_cancel(app: TestApp) {
    let zero = json!({ "cancellation_hours": 0 });
    let mut w = World::with(&app, "zero.example", zero, json!({})).await;
    let path = booked(&app, &w, "2027-03-01T13:00:00Z", "2027-03-01T14:00:00Z").await;
    w.wait(&app, Duration::hours(5)).await;
    assert_eq!(w.user(&app).get(&path).await.expect(200).body["can_cancel"], true);
    w.user(&app).patch(&format!("{path}/cancel"), Value::Null).await.expect(200);
    app.stop().await;
}

async fn the_policy_of_the_booking_is_kept_with_it(app: TestApp) {
    let w = World::new(&app, "politica.example").await;
    let path = booked(&app, &w, "2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").await;
    let settings = format!("/tenants/{}/settings", w.tenant);
    w.admin(&app).put(&settings, json!({ "cancellation_hours": 168 })).await.expect(200);
    app.settle().await;
    assert_eq!(w.user(&app).get(&path).await.expect(200).body["can_cancel"], true);
    let later = booked(&app, &w, "2027-03-02T14:00:00Z", "2027-03-02T15:00:00Z").await;
    let refusal = w.user(&app).patch(&format!("{later}/cancel"), Value::Null).await;
    refused(
        refusal,
        400,
        "too_late_to_cancel",
        "Cancelamento permitido somente até 168 horas antes do início.",
    );
    w.user(&app).patch(&format!("{path}/cancel"), Value::Null).await.expect(200);
    app.stop().await;
}

async fn owners_and_admins_cancel_and_nobody_else(app: TestApp) {
    let w = World::new(&app, "quem.example").await;
    let path = booked(&app, &w, "2027-03-03T13:00:00Z", "2027-03-03T14:00:00Z").await;
    let cancel = format!("{path}/cancel");
    let all = json!({
        "can_book": true, "can_view_all_bookings": true, "can_manage_resources": true,
        "can_manage_users": true,
    });
    let (_, stranger) = w.join(&app, "quase", "user", all).await;
    let answer = crate::ask::by(&app, &stranger).patch(&cancel, Value::Null).await;
    refused(answer, 403, "forbidden", "Você não tem permissão para esta operação.");
    well_refused(app.patch(&cancel, json!({})).await, 401, "unauthorized");
    let missing = "/bookings/00000000-0000-7000-8000-000000000000/cancel";
    let answer = w.admin(&app).patch(missing, Value::Null).await;
    refused(answer, 404, "not_found", "Reserva não encontrada");
    let done = w.admin(&app).patch(&cancel, Value::Null).await.expect(200);
    assert_eq!(done.body["cancelled_by"], w.admin.as_str());
    assert_eq!(done.body["cancellation_reason"], Value::Null);
    app.stop().await;
}

async fn the_reason_is_short_text(app: TestApp) {
    let w = World::new(&app, "motivo.example").await;
    let path = booked(&app, &w, "2027-03-03T13:00:00Z", "2027-03-03T14:00:00Z").await;
    let cancel = format!("{path}/cancel");
    for (body, field) in [
        (json!({ "reason": "m".repeat(501) }), "reason"),
        (json!({ "reason": 5 }), "reason"),
        (json!({ "reason": "x", "force": true }), "force"),
        (json!("chuva"), "body"),
    ] {
        invalid(w.user(&app).patch(&cancel, body).await, &[field]);
    }
    assert_eq!(w.user(&app).get(&path).await.expect(200).body["status"], "pendente");
    let reason = "ç".repeat(500);
    let done = w.user(&app).patch(&cancel, json!({ "reason": reason })).await.expect(200);
    assert_eq!(done.body["cancellation_reason"], reason);
    app.stop().await;
}
