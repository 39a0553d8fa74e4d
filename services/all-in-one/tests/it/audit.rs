//! What is told of sessions and authority, and how long what is over is remembered.

use chrono::TimeDelta;
use contracts::Service;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, names, security_events};
use crate::refresh::{Signed, refresh, sign_in};
use crate::world::{PASSWORD, World};

testkit::on_both_engines!(crate::world::guarded =>
    security_events_name_whom_and_hold_no_secret,
    leftovers_are_removed_and_what_is_alive_stays,
);

async fn security_events_name_whom_and_hold_no_secret(app: TestApp) {
    let w = World::new(&app, "auditoria.example").await;
    let signed = sign_in(&app, &w.tenant, "joao@auditoria.example").await;
    let before = security_events(&app).await.len();
    for email in ["joao@auditoria.example", "ninguem@auditoria.example"] {
        let body = json!({ "email": email, "password": "errada demais 1" });
        app.post("/users/login", body).await.expect(401);
    }
    let path = format!("/users/{}", w.user);
    for change in [
        json!({ "permissions": { "can_book": true, "can_view_all_bookings": true } }),
        json!({ "user_type": "admin" }),
        json!({ "name": "Outro Nome" }),
        json!({ "is_active": false }),
    ] {
        w.admin(&app).put(&path, change).await.expect(200);
    }
    let told = security_events(&app).await;
    let told = &told[before..];
    let expected = [
        "security.sign_in_failed",
        "security.sign_in_failed",
        "security.permissions_changed",
        "security.permissions_changed",
        "security.permissions_changed",
        "security.session_ended",
        "security.session_ended",
    ];
    assert_eq!(names(told), expected);
    assert_eq!(told[0].payload, json!({ "tenant_id": w.tenant, "user_id": w.user }));
    assert_eq!(told[1].payload, json!({ "tenant_id": uuid::Uuid::nil() }), "nobody is known");
    for (event, reason) in told[2..5].iter().zip(["permissions", "user_type", "deactivated"]) {
        let expected = json!({
            "tenant_id": w.tenant, "user_id": w.user, "by": w.admin, "reason": reason,
        });
        assert_eq!(event.payload, expected);
    }
    assert_eq!(told[5].payload["reason"], "user_deactivated");
    for event in security_events(&app).await {
        let text = serde_json::to_string(&event).unwrap();
        for secret in ["@", "mr_", PASSWORD, "errada", "argon2", signed.access.as_str()] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    // Nobody stumbles over them.
    app.settle().await;
    for service in app.running.services() {
        for consumer in &service.consumers {
            assert_eq!(consumer.dead_letters(10).await.unwrap().len(), 0);
        }
    }
    app.stop().await;
}

async fn leftovers_are_removed_and_what_is_alive_stays(app: TestApp) {
    let w = World::new(&app, "limpeza.example").await;
    let email = "joao@limpeza.example";
    let ended = sign_in(&app, &w.tenant, email).await;
    by(&app, &ended.access).post("/auth/logout", Value::Null).await.expect(204);
    let old = sign_in(&app, &w.tenant, email).await;
    Signed::of(refresh(&app, &old.refresh).await);
    app.clock.advance(TimeDelta::days(29));
    let alive = sign_in(&app, &w.tenant, email).await;
    let alive = Signed::of(refresh(&app, &alive.refresh).await);
    let rows = async |table: &str| {
        app.execute(Service::User, &format!("UPDATE {table} SET tenant_id = tenant_id")).await
    };
    let job = async || app.run_job("clean up sessions").await.unwrap();
    // Two of the world, one ended, two of the old one, two alive.
    assert_eq!((rows("refresh_tokens").await, rows("sessions").await), (7, 5));
    job().await;
    // What nobody traded in time is gone; what was traded is kept for thirty days.
    assert_eq!((rows("refresh_tokens").await, rows("sessions").await), (3, 5));
    app.clock.advance(TimeDelta::days(1));
    for _ in 0..2 {
        job().await;
        assert_eq!((rows("refresh_tokens").await, rows("sessions").await), (2, 4));
    }
    app.clock.advance(TimeDelta::days(5));
    let next = Signed::of(refresh(&app, &alive.refresh).await);
    job().await;
    assert_eq!((rows("refresh_tokens").await, rows("sessions").await), (3, 4));
    app.clock.advance(TimeDelta::days(2));
    job().await;
    assert_eq!((rows("refresh_tokens").await, rows("sessions").await), (3, 1));
    Signed::of(refresh(&app, &next.refresh).await);
    app.stop().await;
}
