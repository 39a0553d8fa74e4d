//! `recurring_enabled` and `recurring_pattern`: validated, stored, given back, and expanded.

use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{booking_events, column, invalid};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    a_good_pattern_is_stored_and_given_back,
    a_bad_pattern_names_every_field,
    a_pattern_can_be_changed_and_cleared,
);

fn recurring(w: &World, hour: usize, pattern: &Value) -> Value {
    let mut body = w.booking(
        &format!("2027-03-02T{hour:02}:00:00"),
        &format!("2027-03-02T{:02}:00:00", hour + 1),
    );
    body["recurring_enabled"] = json!(true);
    body["recurring_pattern"] = pattern.clone();
    body
}

async fn a_good_pattern_is_stored_and_given_back(app: TestApp) {
    let w = World::new(&app, "serie.example").await;
    let cases = [
        (json!({ "frequency": "daily" }), json!({ "frequency": "daily", "interval": 1 }), "30"),
        (
            json!({ "frequency": "weekly", "interval": 52, "days_of_week": [4, 0, 0], "end_date": "2027-06-30" }),
            json!({ "frequency": "weekly", "interval": 52, "days_of_week": [0, 4], "end_date": "2027-06-30" }),
            "2",
        ),
        (
            json!({ "frequency": "monthly", "interval": 1 }),
            json!({ "frequency": "monthly", "interval": 1 }),
            "1",
        ),
        (Value::Null, Value::Null, ""),
    ];
    for (at, (sent, stored, count)) in cases.iter().enumerate() {
        let made = w.user(&app).post("/bookings/", recurring(&w, 8 + at, sent)).await.expect(201);
        assert_eq!(
            (&made.body["recurring_enabled"], &made.body["recurring_pattern"]),
            (&json!(true), stored)
        );
        assert_eq!(made.header("x-series-count"), *count);
        assert_eq!(made.body["series_id"].is_string(), !sent.is_null());
        let read = w.user(&app).get(&format!("/bookings/{}", made.id())).await.expect(200);
        assert_eq!(&read.body["recurring_pattern"], stored);
    }
    // Within the thirty days of the tenant; without a pattern there is nothing to repeat.
    assert_eq!(column(&w.user(&app).get("/bookings/").await, "id").len(), 30 + 2 + 1 + 1);
    app.stop().await;
}

async fn a_bad_pattern_names_every_field(app: TestApp) {
    let w = World::new(&app, "torta.example").await;
    let at = |field: &str| format!("recurring_pattern{field}");
    for (pattern, fields) in [
        (json!({}), vec![at(".frequency")]),
        (json!({ "frequency": "yearly", "interval": 0 }), vec![at(".frequency"), at(".interval")]),
        (json!({ "frequency": "daily", "interval": 53 }), vec![at(".interval")]),
        (json!({ "frequency": "daily", "interval": 1.5 }), vec![at(".interval")]),
        (
            json!({ "frequency": "weekly", "days_of_week": [0, 7, -1] }),
            vec![at(".days_of_week[1]"), at(".days_of_week[2]")],
        ),
        (
            json!({ "frequency": "weekly", "end_date": "30/06/2027", "count": 3 }),
            vec![at(".count"), at(".end_date")],
        ),
        (json!("daily"), vec![at("")]),
    ] {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        invalid(w.user(&app).post("/bookings/", recurring(&w, 9, &pattern)).await, &fields);
    }
    let mut body = recurring(&w, 9, &json!({ "frequency": "daily" }));
    body["recurring_enabled"] = json!("sim");
    invalid(w.user(&app).post("/bookings/", body).await, &["recurring_enabled"]);
    assert!(booking_events(&app).await.is_empty());
    app.stop().await;
}

async fn a_pattern_can_be_changed_and_cleared(app: TestApp) {
    let w = World::new(&app, "troca.example").await;
    let daily = json!({ "frequency": "daily" });
    let made = w.user(&app).post("/bookings/", recurring(&w, 9, &daily)).await.expect(201);
    let path = format!("/bookings/{}", made.id());
    let edit = json!({ "recurring_pattern": { "frequency": "weekly", "days_of_week": [1] } });
    let edited = w.user(&app).put(&path, edit).await.expect(200);
    let weekly = json!({ "frequency": "weekly", "interval": 1, "days_of_week": [1] });
    assert_eq!(edited.body["recurring_pattern"], weekly);
    let edit = json!({ "recurring_enabled": false, "recurring_pattern": null });
    let cleared = w.user(&app).put(&path, edit).await.expect(200);
    assert_eq!(cleared.body["recurring_pattern"], Value::Null);
    assert_eq!(cleared.body["recurring_enabled"], false);
    let events = booking_events(&app).await;
    let changes = &events.last().unwrap().payload["changes"];
    assert_eq!(changes["recurring_pattern"], json!({ "old": weekly, "new": null }));
    assert_eq!(changes["recurring_enabled"], json!({ "old": true, "new": false }));
    app.stop().await;
}
