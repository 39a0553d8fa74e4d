//! `POST /bookings/`: rules a to f at their boundaries, and how times are read.

use chrono::{TimeZone as _, Utc};
use serde_json::json;
use testkit::app::TestApp;

use crate::ask::{booking_events, invalid, refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    each_rule_holds_at_its_boundary,
    working_hours_are_of_one_local_day,
    the_grid_begins_when_the_business_opens,
    times_without_an_offset_are_local,
    clock_changes_are_told_from_time,
    the_answer_is_the_whole_booking,
);

const B: &str = "not_in_future";
const C: &str = "too_far_ahead";
const D: &str = "duration_not_multiple";
const E: &str = "outside_working_hours";
const F: &str = "off_grid";
const OK: &str = "";

/// Books each span on a free resource: the code of the refusal, empty for a booking.
async fn judge(app: &TestApp, w: &World, cases: &[(&str, &str, &str)]) {
    let before = booking_events(app).await.len();
    let mut stored = 0;
    for (start, end, code) in cases {
        let answer = w.book(app, start, end).await;
        if code.is_empty() {
            let made = answer.expect(201);
            let cancel = format!("/bookings/{}/status?status_param=sem_dados", made.id());
            w.user(app).patch(&cancel, json!(null)).await.expect(200);
            stored += 2;
        } else {
            assert_eq!(answer.code(), *code, "{start} – {end}: {}", answer.text);
            answer.expect(400);
        }
    }
    assert_eq!(booking_events(app).await.len() - before, stored, "refused requests tell nothing");
}

/// Monday, 09:00 in São Paulo; open 06:00 to 22:00, 60 minutes, 30 days.
async fn each_rule_holds_at_its_boundary(app: TestApp) {
    let w = World::new(&app, "regras.example").await;
    let cases = [
        // b: start > now.
        ("2027-03-01T12:00:00Z", "2027-03-01T13:00:00Z", B),
        ("2027-03-01T11:59:59Z", "2027-03-01T12:59:59Z", B),
        ("2027-03-01T12:00:01Z", "2027-03-01T13:00:01Z", F),
        ("2027-03-01T13:00:00Z", "2027-03-01T14:00:00Z", OK),
        // c: start <= now + 30 × 24 h.
        ("2027-03-31T12:00:00Z", "2027-03-31T13:00:00Z", OK),
        ("2027-03-31T12:00:01Z", "2027-03-31T13:00:01Z", C),
        ("2027-03-31T13:00:00Z", "2027-03-31T14:00:00Z", C),
        // d: a positive multiple of the interval, to the second.
        ("2027-03-02T13:00:00Z", "2027-03-02T15:00:00Z", OK),
        ("2027-03-02T13:00:00Z", "2027-03-02T13:30:00Z", D),
        ("2027-03-02T13:00:00Z", "2027-03-02T14:30:00Z", D),
        ("2027-03-02T13:00:00Z", "2027-03-02T14:00:01Z", D),
        ("2027-03-02T13:00:00Z", "2027-03-02T14:00:00.5Z", D),
        // e: seconds counted, opening and closing included.
        ("2027-03-02T06:00:00", "2027-03-02T07:00:00", OK),
        ("2027-03-02T21:00:00", "2027-03-02T22:00:00", OK),
        ("2027-03-02T05:59:59", "2027-03-02T06:59:59", E),
        ("2027-03-02T21:00:01", "2027-03-02T22:00:01", E),
        ("2027-03-02T21:00:00", "2027-03-02T23:00:00", E),
        ("2027-03-02T21:00:00", "2027-03-03T07:00:00", E),
        ("2027-03-02T06:00:00", "2027-03-02T22:00:00", OK),
        // f: on the grid.
        ("2027-03-02T06:30:00", "2027-03-02T07:30:00", F),
        ("2027-03-02T06:00:00.5", "2027-03-02T07:00:00.5", F),
    ];
    judge(&app, &w, &cases).await;
    app.stop().await;
}

async fn working_hours_are_of_one_local_day(app: TestApp) {
    let hours = json!({ "working_hours_start": "00:00", "working_hours_end": "24:00" });
    let w = World::with(&app, "sempre.example", hours, json!({})).await;
    let cases = [
        ("2027-03-02T23:00:00", "2027-03-03T00:00:00", OK),
        ("2027-03-02T23:00:00", "2027-03-03T01:00:00", E),
        ("2027-03-02T00:00:00", "2027-03-03T00:00:00", OK),
        ("2027-03-02T00:00:00", "2027-03-03T01:00:00", E),
        // A UTC day's border is none of the tenant's.
        ("2027-03-02T23:00:00Z", "2027-03-03T02:00:00Z", OK),
    ];
    judge(&app, &w, &cases).await;
    app.stop().await;
}

async fn the_grid_begins_when_the_business_opens(app: TestApp) {
    let settings = json!({
        "working_hours_start": "08:15", "working_hours_end": "18:05:30", "booking_interval": 30,
    });
    let w = World::with(&app, "grade.example", settings, json!({})).await;
    let cases = [
        ("2027-03-02T08:15:00", "2027-03-02T08:45:00", OK),
        ("2027-03-02T09:45:00", "2027-03-02T10:15:00", OK),
        ("2027-03-02T09:00:00", "2027-03-02T09:30:00", F),
        ("2027-03-02T17:35:30", "2027-03-02T18:05:30", F),
        ("2027-03-02T17:35:31", "2027-03-02T18:05:31", E),
        ("2027-03-02T17:45:00", "2027-03-02T18:15:00", E),
    ];
    judge(&app, &w, &cases).await;
    let starts = w.starts(&app, "2027-03-02").await;
    assert_eq!(starts.first().unwrap(), "2027-03-02T08:15:00-03:00");
    assert_eq!(starts.last().unwrap(), "2027-03-02T17:15:00-03:00");
    app.stop().await;
}

async fn times_without_an_offset_are_local(app: TestApp) {
    let w = World::new(&app, "horas.example").await;
    for (start, end) in [
        ("2027-03-02T10:00:00", "2027-03-02T11:00:00"),
        ("2027-03-03T10:00", "2027-03-03T11:00"),
        ("2027-03-04T13:00:00Z", "2027-03-04T14:00:00Z"),
        ("2027-03-05T22:00:00+09:00", "2027-03-05T11:00:00-03:00"),
        ("2027-03-06T13:00:00.000Z", "2027-03-06T11:00:00"),
    ] {
        let made = w.book(&app, start, end).await.expect(201);
        let day = &start[..10];
        let read = |field: &str| made.body[field].as_str().unwrap().to_owned();
        assert_eq!(read("start_time"), format!("{day}T13:00:00Z"), "{start}");
        assert_eq!(read("end_time"), format!("{day}T14:00:00Z"), "{start}");
    }
    for bad in ["2027-03-02", "10:00", "amanhã", "2027-02-30T10:00:00", "2027-03-02T25:00:00", ""]
    {
        invalid(w.book(&app, bad, "2027-03-09T11:00:00").await, &["start_time"]);
    }
    app.stop().await;
}

/// New York: no 02:00 to 03:00 on 2027-03-14, 01:00 to 02:00 twice on 2027-11-07.
async fn clock_changes_are_told_from_time(app: TestApp) {
    let settings = json!({
        "timezone": "America/New_York", "working_hours_start": "00:00",
        "working_hours_end": "23:59", "advance_booking_days": 365,
    });
    let w = World::with(&app, "ny.example", settings, json!({})).await;
    let text = "Horário local inexistente neste fuso.";
    let gap = w.book(&app, "2027-03-14T02:00:00", "2027-03-14T03:00:00").await;
    refused(gap, 400, "nonexistent_local_time", text);
    let gap = w.book(&app, "2027-03-14T01:00:00", "2027-03-14T02:30:00").await;
    refused(gap, 400, "nonexistent_local_time", text);
    // 01:00 EST to 03:00 EDT are sixty real minutes.
    let across = w.book(&app, "2027-03-14T01:00:00", "2027-03-14T03:00:00").await.expect(201);
    assert_eq!(across.body["start_time"], "2027-03-14T06:00:00Z");
    assert_eq!(across.body["end_time"], "2027-03-14T07:00:00Z");
    // 01:00 twice: without an offset the first; with one, that one.
    let first = w.book(&app, "2027-11-07T01:00:00", "2027-11-07T02:00:00-04:00").await.expect(201);
    assert_eq!(first.body["start_time"], "2027-11-07T05:00:00Z");
    let second = w.book(&app, "2027-11-07T01:00:00-05:00", "2027-11-07T02:00:00").await.expect(201);
    assert_eq!(second.body["start_time"], "2027-11-07T06:00:00Z");
    assert_eq!(second.body["end_time"], "2027-11-07T07:00:00Z");
    app.clock.set(Utc.with_ymd_and_hms(2027, 11, 7, 4, 30, 0).unwrap());
    app.stop().await;
}

async fn the_answer_is_the_whole_booking(app: TestApp) {
    let settings = json!({ "default_booking_status": "confirmado" });
    let w = World::with(&app, "inteira.example", settings, json!({})).await;
    let mut body = w.booking("2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z");
    body["notes"] = json!("Olá, 你好 👋 — 100% _sério_");
    let made = w.user(&app).post("/bookings/", body).await.expect(201);
    let code = made.body["confirmation_code"].as_str().unwrap();
    assert!(code.len() == 8 && !code.contains(['0', 'O', '1', 'I', 'L']), "{code}");
    let id = uuid::Uuid::parse_str(&made.id()).unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(made.header("etag"), "\"b-1\"");
    let whole = json!({
        "id": made.id(), "tenant_id": w.tenant, "resource_id": w.resource, "user_id": w.user,
        "client_id": w.user, "start_time": "2027-03-02T13:00:00Z",
        "end_time": "2027-03-02T14:00:00Z", "status": "confirmado",
        "notes": "Olá, 你好 👋 — 100% _sério_", "recurring_enabled": false,
        "recurring_pattern": null, "quantity": 1, "expires_at": null, "series_id": null,
        "original_start_time": null, "group_id": null, "checked_in_at": null,
        "confirmation_code": code, "cancellation_reason": null,
        "cancelled_at": null, "cancelled_by": null, "version": 1,
        "created_at": "2027-03-01T12:00:00Z", "updated_at": "2027-03-01T12:00:00Z",
        "can_cancel": true, "quantity": 1, "expires_at": null, "series_id": null,
        "original_start_time": null, "group_id": null, "checked_in_at": null,
    });
    assert_eq!(made.body, whole);
    let read = w.user(&app).get(&format!("/bookings/{}", made.id())).await.expect(200);
    assert_eq!(read.body, whole);
    assert_eq!(read.header("etag"), "\"b-1\"");
    app.stop().await;
}
