//! Conflicts: what blocks, what does not, and what a refusal tells.

use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{booking_events, keys, refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    every_booking_in_the_way_is_listed_and_nobody_is_named,
    touching_bookings_and_other_resources_are_not_in_the_way,
    only_active_bookings_are_in_the_way,
);

const TAKEN: &str = "Recurso já possui reserva neste intervalo";

async fn every_booking_in_the_way_is_listed_and_nobody_is_named(app: TestApp) {
    let w = World::new(&app, "cheio.example").await;
    let (_, maria) = w.join(&app, "maria", "user", json!({ "can_book": true })).await;
    let mut made = Vec::new();
    for hour in [12, 10, 11] {
        let mut body = w.booking(
            &format!("2027-03-02T{hour}:00:00"),
            &format!("2027-03-02T{}:00:00", hour + 1),
        );
        body["notes"] = json!("segredo de João");
        made.push((hour, w.user(&app).post("/bookings/", body).await.expect(201).id()));
    }
    made.sort_unstable();
    let mine = crate::ask::by(&app, &maria).get("/users/me").await.expect(200).id();
    let mut body = w.booking("2027-03-02T09:00:00", "2027-03-02T14:00:00");
    (body["user_id"], body["client_id"]) = (json!(mine), Value::Null);
    let answer = crate::ask::by(&app, &maria).post("/bookings/", body).await;
    let answer = refused(answer, 409, "conflict", TAKEN);
    let conflicts = answer.body["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 3, "{}", answer.text);
    for (conflict, (hour, id)) in conflicts.iter().zip(&made) {
        assert_eq!(keys(conflict), ["booking_id", "end_time", "start_time"]);
        assert_eq!(conflict["booking_id"], id.as_str());
        assert_eq!(conflict["start_time"], format!("2027-03-02T{}:00:00Z", hour + 3));
        assert_eq!(conflict["end_time"], format!("2027-03-02T{}:00:00Z", hour + 4));
    }
    for secret in [w.user.as_str(), "segredo", "joao@", "João"] {
        assert!(!answer.text.contains(secret), "{secret} in {}", answer.text);
    }
    assert_eq!(booking_events(&app).await.len(), 3);
    app.stop().await;
}

async fn touching_bookings_and_other_resources_are_not_in_the_way(app: TestApp) {
    let w = World::new(&app, "toque.example").await;
    w.book(&app, "2027-03-02T10:00:00", "2027-03-02T12:00:00").await.expect(201);
    for (start, end, status) in [
        ("2027-03-02T09:00:00", "2027-03-02T10:00:00", 201),
        ("2027-03-02T12:00:00", "2027-03-02T13:00:00", 201),
        ("2027-03-02T08:00:00", "2027-03-02T10:00:00", 409),
        ("2027-03-02T11:00:00", "2027-03-02T12:00:00", 409),
        ("2027-03-02T10:00:00", "2027-03-02T12:00:00", 409),
        ("2027-03-02T06:00:00", "2027-03-02T22:00:00", 409),
    ] {
        w.book(&app, start, end).await.expect(status);
    }
    let mut elsewhere = w.booking("2027-03-02T10:00:00", "2027-03-02T12:00:00");
    elsewhere["resource_id"] = json!(w.room(&app, "Sala 2").await);
    w.user(&app).post("/bookings/", elsewhere).await.expect(201);
    app.stop().await;
}

async fn only_active_bookings_are_in_the_way(app: TestApp) {
    let w = World::new(&app, "ativas.example").await;
    let (start, end) = ("2027-03-04T10:00:00", "2027-03-04T11:00:00");
    for (status, in_the_way) in
        [("confirmado", true), ("cancelado", false), ("concluido", false), ("sem_dados", false)]
    {
        let made = w.book(&app, start, end).await.expect(201).id();
        let path = format!("/bookings/{made}/status?status_param=");
        w.admin(&app).patch(&format!("{path}{status}"), json!(null)).await.expect(200);
        let again = w.book(&app, start, end).await;
        if in_the_way {
            refused(again, 409, "conflict", TAKEN);
            w.admin(&app).patch(&format!("{path}sem_dados"), json!(null)).await.expect(200);
        } else {
            let again = again.expect(201).id();
            let path = format!("/bookings/{again}/status?status_param=sem_dados");
            w.admin(&app).patch(&path, json!(null)).await.expect(200);
        }
    }
    app.stop().await;
}
