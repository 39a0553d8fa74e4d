//! An operator acts as a user: visibly, for a quarter of an hour, and not in everything.

use chrono::TimeDelta;
use contracts::Service;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, invalid, keys, refused, well_refused};
use crate::world::{World, operator, person};

testkit::on_both_engines!(crate::world::guarded =>
    an_operator_acts_as_a_user_and_everyone_can_see_it,
    only_operators_act_as_others,
    who_cannot_act_cannot_be_acted_as,
    it_ends_after_a_quarter_of_an_hour,
    what_is_personal_stays_the_users_own,
    it_ends_with_the_user,
);

const NO: &str = "Você não tem permissão para esta operação.";

/// A token by which the operator acts as a user.
async fn disguise(app: &TestApp, token: &str, user: &str) -> String {
    let body = json!({ "user_id": user, "reason": "chamado 4711" });
    let answer = by(app, token).post("/auth/impersonate", body).await.expect(200);
    answer.body["access_token"].as_str().unwrap().to_owned()
}

async fn an_operator_acts_as_a_user_and_everyone_can_see_it(app: TestApp) {
    let w = World::new(&app, "ve.example").await;
    let (olga, token) = operator(&app, "olga@marca.example").await;
    let body = json!({ "user_id": w.user, "reason": "chamado 4711" });
    let answer = by(&app, &token).post("/auth/impersonate", body).await.expect(200);
    assert_eq!(
        keys(&answer.body),
        ["access_token", "expires_in", "token_type"],
        "no refresh token"
    );
    assert_eq!(answer.body["expires_in"], 900);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("set-cookie"), "");
    let token = answer.body["access_token"].as_str().unwrap();
    let claims = super::tokens::claims(token);
    assert_eq!(claims["act"], json!({ "sub": olga }));
    assert_eq!((&claims["sub"], &claims["tenant_id"]), (&json!(w.user), &json!(w.tenant)));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
    for route in ["/users/me", "/bookings/", "/resources/", &format!("/tenants/{}", w.tenant)] {
        let answer = by(&app, token).get(route).await.expect(200);
        assert_eq!(answer.header("x-impersonated-by"), olga, "{route}");
    }
    // With the user's authority, no more; refusals tell of it too.
    let refusal = refused(by(&app, token).get("/users/").await, 403, "forbidden", NO);
    assert_eq!(refusal.header("x-impersonated-by"), olga);
    let booking = w.booking("2027-03-03T13:00:00Z", "2027-03-03T14:00:00Z");
    by(&app, token).post("/bookings/", booking).await.expect(201);
    assert_eq!(w.user(&app).get("/users/me").await.expect(200).header("x-impersonated-by"), "");
    let mut events = app.events(Service::User).await;
    events.retain(|event| event.event_type == "security.impersonation_started");
    let [event] = events.as_slice() else { panic!("one event: {events:?}") };
    let expected = json!({
        "tenant_id": w.tenant, "user_id": w.user, "by": olga, "session_id": claims["sid"],
        "reason": "chamado 4711",
    });
    assert_eq!((&event.payload, event.metadata.tenant_id.to_string()), (&expected, w.tenant));
    app.stop().await;
}

async fn only_operators_act_as_others(app: TestApp) {
    let w = World::new(&app, "so.example").await;
    let (_, token) = operator(&app, "olga@marca.example").await;
    let body = || json!({ "user_id": w.user, "reason": "chamado 4711" });
    let admin = disguise(&app, &token, &w.admin).await;
    for who in [&w.user_token, &w.admin_token, &admin] {
        refused(by(&app, who).post("/auth/impersonate", body()).await, 403, "forbidden", NO);
    }
    by(&app, "").post("/auth/impersonate", body()).await.expect(401);
    invalid(by(&app, &token).post("/auth/impersonate", json!({})).await, &["reason", "user_id"]);
    for reason in [json!("ab"), json!("   "), json!("x".repeat(201)), json!(1), Value::Null] {
        let body = json!({ "user_id": w.user, "reason": reason });
        invalid(by(&app, &token).post("/auth/impersonate", body).await, &["reason"]);
    }
    app.stop().await;
}

async fn who_cannot_act_cannot_be_acted_as(app: TestApp) {
    let w = World::new(&app, "parado.example").await;
    let (olga, token) = operator(&app, "olga@marca.example").await;
    let (other, _) = operator(&app, "otto@marca.example").await;
    let act = async |user: &str| {
        let body = json!({ "user_id": user, "reason": "chamado 4711" });
        by(&app, &token).post("/auth/impersonate", body).await
    };
    for nobody in [&olga, &other, "00000000-0000-7000-8000-000000000000"] {
        refused(act(nobody).await, 404, "not_found", "Usuário não encontrado");
    }
    let still = "Usuário inativo ou tenant suspenso.";
    let user = format!("/users/{}", w.user);
    w.admin(&app).put(&user, json!({ "is_active": false })).await.expect(200);
    refused(act(&w.user).await, 409, "conflict", still);
    act(&w.admin).await.expect(200);
    let tenant = format!("/tenants/{}", w.tenant);
    by(&app, &token).put(&tenant, json!({ "is_active": false })).await.expect(200);
    app.settle().await;
    refused(act(&w.admin).await, 409, "conflict", still);
    app.stop().await;
}

async fn it_ends_after_a_quarter_of_an_hour(app: TestApp) {
    let w = World::new(&app, "quarto.example").await;
    let (_, token) = operator(&app, "olga@marca.example").await;
    let disguise = disguise(&app, &token, &w.user).await;
    app.clock.advance(TimeDelta::seconds(899));
    by(&app, &disguise).get("/users/me").await.expect(200);
    app.clock.advance(TimeDelta::seconds(1));
    well_refused(by(&app, &disguise).get("/users/me").await, 401, "unauthorized");
    app.stop().await;
}

async fn what_is_personal_stays_the_users_own(app: TestApp) {
    let w = World::new(&app, "pessoal.example").await;
    let (_, token) = operator(&app, "olga@marca.example").await;
    let admin = disguise(&app, &token, &w.admin).await;
    let admin = by(&app, &admin);
    for user in [&w.user, &w.admin] {
        let path = format!("/users/{user}");
        for body in [json!({ "password": "nova senha 9" }), json!({ "password": null })] {
            refused(admin.put(&path, body).await, 403, "forbidden", NO);
        }
        refused(admin.delete(&path).await, 403, "forbidden", NO);
    }
    let fresh = person(&w.tenant, "Nova", "nova@pessoal.example", "admin");
    refused(admin.post("/users/", fresh).await, 403, "forbidden", NO);
    let keys = format!("/tenants/{}/api-keys", w.tenant);
    let key = json!({ "name": "x", "scopes": {} });
    refused(admin.post(&keys, key).await, 403, "forbidden", NO);
    refused(admin.delete(&format!("/tenants/{}", w.tenant)).await, 403, "forbidden", NO);
    // What an admin does every day he can be helped with.
    admin.put(&format!("/users/{}", w.user), json!({ "name": "João" })).await.expect(200);
    admin.get(&keys).await.expect(200);
    let settings = format!("/tenants/{}/settings", w.tenant);
    admin.put(&settings, json!({ "booking_interval": 30 })).await.expect(200);
    app.stop().await;
}

async fn it_ends_with_the_user(app: TestApp) {
    let w = World::new(&app, "junto.example").await;
    let (_, token) = operator(&app, "olga@marca.example").await;
    let disguise = disguise(&app, &token, &w.user).await;
    by(&app, &disguise).get("/bookings/").await.expect(200);
    w.admin(&app)
        .put(&format!("/users/{}", w.user), json!({ "is_active": false }))
        .await
        .expect(200);
    app.settle().await;
    well_refused(by(&app, &disguise).get("/bookings/").await, 401, "unauthorized");
    app.stop().await;
}
