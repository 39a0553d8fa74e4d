//! What is taken away is gone in every service once the events have come to rest.

use http::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::by;
use crate::refresh::sign_in;
use crate::tokens::{accepted_everywhere, refused_everywhere};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    a_deactivated_user_is_refused_everywhere,
    a_deleted_user_is_refused_everywhere,
    an_ended_session_is_refused_everywhere,
    a_deactivated_tenants_people_are_refused_everywhere,
    a_deleted_tenants_people_are_refused_everywhere,
    what_a_user_may_changes_everywhere,
);

/// The token is warm in every service before, and refused by each after.
async fn revoked(app: TestApp, domain: &str, revoke: impl AsyncFnOnce(&TestApp, &World, &str)) {
    let w = World::new(&app, domain).await;
    let signed = sign_in(&app, &w.tenant, &format!("joao@{domain}")).await;
    accepted_everywhere(&app, &w, &signed.access).await;
    revoke(&app, &w, &signed.access).await;
    app.settle().await;
    refused_everywhere(&app, &w, &signed.access).await;
    app.stop().await;
}

async fn a_deactivated_user_is_refused_everywhere(app: TestApp) {
    let revoke = async |app: &TestApp, w: &World, _: &str| {
        let path = format!("/users/{}", w.user);
        w.admin(app).put(&path, json!({ "is_active": false })).await.expect(200);
    };
    revoked(app, "dorme.example", revoke).await;
}

async fn a_deleted_user_is_refused_everywhere(app: TestApp) {
    let revoke = async |app: &TestApp, w: &World, _: &str| {
        w.admin(app).delete(&format!("/users/{}", w.user)).await.expect(204);
    };
    revoked(app, "some.example", revoke).await;
}

async fn an_ended_session_is_refused_everywhere(app: TestApp) {
    let revoke = async |app: &TestApp, w: &World, token: &str| {
        by(app, token).post("/auth/logout", Value::Null).await.expect(204);
        accepted_everywhere(app, w, &w.user_token).await;
    };
    revoked(app, "sessao.example", revoke).await;
}

async fn a_deactivated_tenants_people_are_refused_everywhere(app: TestApp) {
    let revoke = async |app: &TestApp, w: &World, _: &str| {
        let path = format!("/tenants/{}", w.tenant);
        w.admin(app).put(&path, json!({ "is_active": false })).await.expect(200);
    };
    revoked(app, "suspensa.example", revoke).await;
}

async fn a_deleted_tenants_people_are_refused_everywhere(app: TestApp) {
    let revoke = async |app: &TestApp, w: &World, _: &str| {
        w.admin(app).delete(&format!("/tenants/{}", w.tenant)).await.expect(204);
    };
    revoked(app, "fechada.example", revoke).await;
}

/// With the very token that had the authority.
async fn what_a_user_may_changes_everywhere(app: TestApp) {
    let w = World::new(&app, "poder.example").await;
    let (id, token) = w.join(&app, "vice", "admin", json!({})).await;
    let mut theirs = w.booking("2027-03-04T13:00:00Z", "2027-03-04T14:00:00Z");
    theirs["user_id"] = json!(w.admin);
    let theirs = w.admin(&app).post("/bookings/", theirs).await.expect(201).id();
    let kind = json!({ "tenant_id": w.tenant, "name": "x", "type": "fisico" });
    let tries = [
        (Method::PUT, format!("/tenants/{}/settings", w.tenant), json!({ "business_type": "x" })),
        (Method::GET, "/users/".to_owned(), Value::Null),
        (Method::POST, "/categories/".to_owned(), kind),
        (Method::GET, format!("/bookings/{theirs}"), Value::Null),
    ];
    let each = async |expected: [u16; 4]| {
        for ((method, path, body), status) in tries.iter().zip(expected) {
            let answer = app.call(method.clone(), path, &token, body.clone()).await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        }
    };
    let path = format!("/users/{id}");
    each([200, 200, 201, 200]).await;
    w.admin(&app).put(&path, json!({ "user_type": "user" })).await.expect(200);
    app.settle().await;
    each([403, 403, 403, 403]).await;
    w.admin(&app).put(&path, json!({ "preset": "owner" })).await.expect(200);
    app.settle().await;
    each([403, 200, 201, 200]).await;
    w.admin(&app).put(&path, json!({ "preset": "viewer" })).await.expect(200);
    app.settle().await;
    each([403, 403, 403, 200]).await;
    app.stop().await;
}
