//! What the fuzzer has found, so that it is found sooner the next time.

use serde_json::json;
use testkit::app::TestApp;

use crate::ask::{by, invalid};
use crate::world::{PASSWORD, World, tenant};

testkit::on_both_engines!(crate::world::guarded =>
    a_number_with_a_fraction_of_zero_is_whole,
    a_field_that_a_form_leaves_empty_is_absent,
);

async fn a_number_with_a_fraction_of_zero_is_whole(app: TestApp) {
    let w = World::new(&app, "inteiro.example").await;
    let made = tenant("inteiros.example", &json!({ "booking_interval": 45.0 }));
    let made = app.post("/tenants/", made).await.expect(201);
    assert_eq!(made.body["settings"]["booking_interval"], 45);
    let resource = json!({
        "tenant_id": w.tenant, "category_id": w.category, "name": "Sala 2", "capacity": 2e1,
        "availability_schedule": {
            "schedule": [{ "day_of_week": 0.0, "start_time": "09:00", "end_time": "18:00" }],
        },
    });
    let resource = w.admin(&app).post("/resources/", resource).await.expect(201);
    assert_eq!(resource.body["capacity"], 20);
    let mut booking = w.booking("2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z");
    booking["recurring_pattern"] =
        json!({ "frequency": "weekly", "interval": 2.0, "days_of_week": [1.0] });
    let booking = w.admin(&app).post("/bookings/", booking).await.expect(201);
    assert_eq!(booking.body["recurring_pattern"]["interval"], 2);
    assert_eq!(booking.body["recurring_pattern"]["days_of_week"], json!([1]));
    let half = json!({ "settings": { "booking_interval": 45.5 } });
    let half = w.admin(&app).put(&format!("/tenants/{}", w.tenant), half).await;
    invalid(half, &["settings.booking_interval"]);
    app.stop().await;
}

async fn a_field_that_a_form_leaves_empty_is_absent(app: TestApp) {
    let w = World::new(&app, "vazio.example").await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let password = PASSWORD.replace(' ', "+");
    let body = format!("email=ana%40vazio.example&password={password}&tenant_id=&domain=");
    let answer = by(&app, "").raw("POST", "/users/login", &form, &body).await.expect(200);
    let token = answer.body["access_token"].as_str().unwrap();
    assert_eq!(by(&app, token).get("/users/me").await.expect(200).id(), w.admin);
    let empty = by(&app, "").raw("POST", "/users/login", &form, "email=&password=").await;
    invalid(empty, &["email", "password"]);
    app.stop().await;
}
