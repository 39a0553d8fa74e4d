//! Signing in and out: every way in, what a person sees of it, and every way a session ends.

use chrono::TimeDelta;
use contracts::Service;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{JSON, by, column, invalid, keys, refused, security_events, well_refused};
use crate::refresh::{Signed, of_session, over, refresh, sign_in};
use crate::tokens::{accepted_everywhere, refused_everywhere};
use crate::world::{PASSWORD, World, login, person};

testkit::on_both_engines!(crate::world::guarded =>
    the_password_grant_signs_in,
    whoever_registers_is_a_plain_user_or_the_first_admin,
    me_says_who_calls_and_what_he_may,
    a_person_sees_and_ends_his_sessions,
    signing_out_ends_the_session_and_can_be_repeated,
    signing_out_everywhere_leaves_nobody,
    the_oldest_of_too_many_sessions_ends,
    a_new_password_ends_the_other_sessions,
    an_operator_has_sessions_and_no_tenant,
);

const NO: &str = "Você não tem permissão para esta operação.";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn the_password_grant_signs_in(app: TestApp) {
    let w = World::new(&app, "grant.example").await;
    let whole = format!(
        "grant_type=password&username=joao%40grant.example&password=correct+horse+1&scope=&\
         client_id=x&client_secret=y&tenant_id={}",
        w.tenant
    );
    let short = "username=joao%40grant.example&password=correct+horse+1".to_owned();
    for form in [whole, short] {
        let answer = by(&app, "").raw("POST", "/auth/token", &[FORM], &form).await.expect(200);
        assert_eq!(keys(&answer.body), ["access_token", "expires_in", "token_type"]);
        let cookie = answer.header("set-cookie");
        let (token, attributes) = cookie.split_once("; ").unwrap();
        assert!(token.starts_with("marca_refresh=mr_"), "{cookie}");
        let expected = "Max-Age=604800; Path=/auth; HttpOnly; Secure; SameSite=Strict";
        assert_eq!(attributes, expected);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let body = json!({ "username": "joao@grant.example", "password": PASSWORD });
    let signed = Signed::of(app.post("/auth/token?transport=body", body).await);
    accepted_everywhere(&app, &w, &signed.access).await;
    let body = json!({ "username": "joao@grant.example", "password": "errada demais 1" });
    refused(app.post("/auth/token", body).await, 401, "unauthorized", "Email ou senha inválidos");
    let body = json!({ "grant_type": "client_credentials", "username": "x", "remember": 1 });
    invalid(app.post("/auth/token", body).await, &["grant_type", "password", "remember"]);
    app.stop().await;
}

async fn whoever_registers_is_a_plain_user_or_the_first_admin(app: TestApp) {
    let w = World::new(&app, "registro.example").await;
    let body = |more: Value| {
        let own = json!({ "name": "Rita", "email": "rita@registro.example", "password": PASSWORD });
        contracts::form::merge(&own, &more, &[])
    };
    let by_domain = body(json!({ "domain": "REGISTRO.example" }));
    let made = app.post("/auth/register", by_domain.clone()).await.expect(201);
    assert_eq!(made.body["user_type"], "user");
    assert_eq!(made.body["tenant_id"], json!(w.tenant));
    assert!(!made.text.contains("password"));
    login(&app, &w.tenant, "rita@registro.example").await;
    well_refused(app.post("/auth/register", by_domain).await, 400, "duplicate");
    for (more, status) in [
        (json!({ "tenant_id": w.tenant, "user_type": "admin" }), 403),
        (json!({ "tenant_id": w.tenant, "permissions": { "can_manage_users": true } }), 403),
        (json!({ "tenant_id": w.tenant, "preset": "owner" }), 403),
        (json!({ "domain": "ninguem.example" }), 404),
        (json!({ "domain": "registro.example", "tenant_id": w.user }), 404),
        (json!({ "tenant_id": uuid::Uuid::nil() }), 404),
    ] {
        let answer = app.post("/auth/register", body(more)).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    }
    // A token in the request changes nothing.
    let chief = body(json!({ "tenant_id": w.tenant, "user_type": "admin" }));
    w.admin(&app).post("/auth/register", chief).await.expect(403);
    let bare = json!({ "user_type": "chefe", "is_active": 1 });
    let missing = ["email", "is_active", "name", "password", "tenant_id", "user_type"];
    invalid(app.post("/auth/register", bare).await, &missing);
    // The first of a tenant may be its admin.
    let empty = crate::world::tenant("vazio.example", &json!({}));
    app.post("/tenants/", empty).await.expect(201);
    let first = body(json!({ "domain": "vazio.example", "user_type": "admin" }));
    assert_eq!(app.post("/auth/register", first).await.expect(201).body["user_type"], "admin");
    app.stop().await;
}

async fn me_says_who_calls_and_what_he_may(app: TestApp) {
    let w = World::new(&app, "eu.example").await;
    let (_, token) = w.join(&app, "vigia", "user", json!({})).await;
    let me = by(&app, &token).get("/auth/me").await.expect(200);
    let own = by(&app, &token).get("/users/me").await.expect(200);
    for (field, value) in own.body.as_object().unwrap() {
        assert_eq!(&me.body[field], value, "{field}");
    }
    assert_eq!(me.body["kind"], "user");
    assert_eq!(me.body["session_id"], crate::tokens::claims(&token)["sid"]);
    assert_eq!(me.body["impersonated_by"], Value::Null);
    // What a preset grants is among the permissions, and so is what an admin may.
    let path = format!("/users/{}", own.id());
    w.admin(&app).put(&path, json!({ "preset": "viewer" })).await.expect(200);
    let me = by(&app, &token).get("/auth/me").await.expect(200);
    assert_eq!(me.body["preset"], "viewer");
    assert_eq!(me.body["permissions"]["can_view_all_bookings"], true);
    assert_eq!(me.body["permissions"]["can_book"], false);
    let chief = w.admin(&app).get("/auth/me").await.expect(200);
    assert_eq!(chief.body["user_type"], "admin");
    assert_eq!(chief.body["permissions"]["can_manage_users"], true);
    well_refused(by(&app, "").get("/auth/me").await, 401, "unauthorized");
    app.stop().await;
}

async fn a_person_sees_and_ends_his_sessions(app: TestApp) {
    let w = World::new(&app, "lista.example").await;
    let mut all = Vec::new();
    for agent in ["navegador", "telefone", "tablet"] {
        let body = json!({ "email": "joao@lista.example", "password": PASSWORD }).to_string();
        let headers = [JSON, ("user-agent", agent)];
        let path = "/users/login?transport=body";
        all.push(Signed::of(by(&app, "").raw("POST", path, &headers, &body).await));
        app.clock.advance(TimeDelta::seconds(1));
    }
    let me = by(&app, &all[1].access);
    let list = me.get("/auth/sessions?count=true").await.expect(200);
    assert_eq!(list.header("x-total-count"), "4");
    assert_eq!(list.header("cache-control"), "no-store");
    let agents: Vec<&Value> =
        list.body.as_array().unwrap().iter().map(|row| &row["user_agent"]).collect();
    assert_eq!(agents[..3], [&json!("tablet"), &json!("telefone"), &json!("navegador")]);
    let current: Vec<bool> =
        list.body.as_array().unwrap().iter().map(|row| row["current"] == true).collect();
    assert_eq!(current, [false, true, false, false]);
    assert!(!list.text.contains("mr_"));
    // By pages.
    let first = me.get("/auth/sessions?limit=3").await.expect(200);
    let link = first.header("link");
    let next = link.split(['<', '>']).nth(1).unwrap().replace("http://marca.test:8000", "");
    let rest = me.get(&next).await.expect(200);
    assert_eq!((column(&first, "id").len(), column(&rest, "id").len()), (3, 1));
    // Ends one of his own, once; nobody else's.
    let path = format!("/auth/sessions/{}", all[2].session);
    let missing = "Sessão não encontrada";
    refused(w.admin(&app).delete(&path).await, 404, "not_found", missing);
    me.delete(&path).await.expect(204);
    app.settle().await;
    refused(me.delete(&path).await, 404, "not_found", missing);
    refused_everywhere(&app, &w, &all[2].access).await;
    over(refresh(&app, &all[2].refresh).await);
    accepted_everywhere(&app, &w, &all[0].access).await;
    assert_eq!(column(&me.get("/auth/sessions").await.expect(200), "id").len(), 3);
    app.stop().await;
}

async fn signing_out_ends_the_session_and_can_be_repeated(app: TestApp) {
    let w = World::new(&app, "sai.example").await;
    let sign = async || sign_in(&app, &w.tenant, "joao@sai.example").await;
    // By the access token.
    let one = sign().await;
    for _ in 0..2 {
        let done = by(&app, &one.access).post("/auth/logout", Value::Null).await.expect(204);
        let expected = "marca_refresh=; Max-Age=0; Path=/auth; HttpOnly; Secure; SameSite=Strict";
        assert_eq!(done.header("set-cookie"), expected);
        assert!(done.text.is_empty());
    }
    app.settle().await;
    refused_everywhere(&app, &w, &one.access).await;
    over(refresh(&app, &one.refresh).await);
    // By the refresh token in the body, or in the cookie; even one that was traded already.
    let two = sign().await;
    let body = json!({ "refresh_token": two.refresh });
    let done = app.post("/auth/logout?transport=body", body).await.expect(204);
    assert_eq!(done.header("set-cookie"), "");
    app.settle().await;
    refused_everywhere(&app, &w, &two.access).await;
    let three = sign().await;
    let next = Signed::of(refresh(&app, &three.refresh).await);
    let cookie = format!("theme=dark; marca_refresh={}", three.refresh);
    let headers = [("cookie", cookie.as_str())];
    by(&app, "").raw("POST", "/auth/logout", &headers, "").await.expect(204);
    app.settle().await;
    refused_everywhere(&app, &w, &next.access).await;
    over(refresh(&app, &next.refresh).await);
    // By nothing at all.
    app.post("/auth/logout", Value::Null).await.expect(204);
    by(&app, "nonsense").post("/auth/logout", Value::Null).await.expect(204);
    app.stop().await;
}

async fn signing_out_everywhere_leaves_nobody(app: TestApp) {
    let w = World::new(&app, "todos.example").await;
    let one = sign_in(&app, &w.tenant, "joao@todos.example").await;
    let two = sign_in(&app, &w.tenant, "joao@todos.example").await;
    by(&app, &one.access).post("/auth/logout-all", Value::Null).await.expect(204);
    app.settle().await;
    for token in [&one.access, &two.access, &w.user_token] {
        refused_everywhere(&app, &w, token).await;
    }
    over(refresh(&app, &two.refresh).await);
    accepted_everywhere(&app, &w, &w.admin_token).await;
    well_refused(app.post("/auth/logout-all", Value::Null).await, 401, "unauthorized");
    app.stop().await;
}

async fn the_oldest_of_too_many_sessions_ends(app: TestApp) {
    let w = World::new(&app, "muitas.example").await;
    app.clock.advance(TimeDelta::seconds(1));
    let signed = sign_in(&app, &w.tenant, "joao@muitas.example").await;
    // 98 more, past the hasher: with that of the world's own there are 100.
    let condition = of_session(&app, &signed.session).replace("session_id", "id");
    let id = if condition.contains("X'") { "randomblob(16)" } else { "gen_random_uuid()" };
    let copy = format!(
        "INSERT INTO sessions (id, tenant_id, user_id, created_at, last_used_at, expires_at)
         SELECT {id}, tenant_id, user_id, created_at, last_used_at, expires_at
         FROM sessions WHERE {condition}"
    );
    for _ in 0..98 {
        assert_eq!(app.execute(Service::User, &copy).await, 1);
    }
    accepted_everywhere(&app, &w, &w.user_token).await;
    app.clock.advance(TimeDelta::seconds(1));
    let newest = sign_in(&app, &w.tenant, "joao@muitas.example").await;
    app.settle().await;
    refused_everywhere(&app, &w, &w.user_token).await;
    let list = by(&app, &newest.access).get("/auth/sessions?count=true&limit=1").await.expect(200);
    assert_eq!(list.header("x-total-count"), "100");
    let told = security_events(&app).await;
    let ended = told.last().unwrap();
    assert_eq!(
        (ended.event_type.as_str(), &ended.payload["reason"]),
        ("security.session_ended", &json!("too_many"))
    );
    app.stop().await;
}

async fn a_new_password_ends_the_other_sessions(app: TestApp) {
    let w = World::new(&app, "senha.example").await;
    let one = sign_in(&app, &w.tenant, "joao@senha.example").await;
    let two = sign_in(&app, &w.tenant, "joao@senha.example").await;
    let path = format!("/users/{}", w.user);
    let new = json!({ "password": "outra senha 2" });
    accepted_everywhere(&app, &w, &two.access).await;
    by(&app, &one.access).put(&path, new).await.expect(200);
    app.settle().await;
    accepted_everywhere(&app, &w, &one.access).await;
    refused_everywhere(&app, &w, &two.access).await;
    over(refresh(&app, &two.refresh).await);
    // Set by somebody else, it ends them all.
    w.admin(&app).put(&path, json!({ "password": PASSWORD })).await.expect(200);
    app.settle().await;
    refused_everywhere(&app, &w, &one.access).await;
    over(refresh(&app, &one.refresh).await);
    app.stop().await;
}

async fn an_operator_has_sessions_and_no_tenant(app: TestApp) {
    let w = World::new(&app, "plataforma.example").await;
    let email = "olga@plataforma.example";
    let body = person(&w.tenant, "Olga", email, "user");
    w.admin(&app).post("/users/", body).await.expect(201);
    let postgres = app.platform.settings.database(Service::User).starts_with("postgres");
    let nil = if postgres {
        "'00000000-0000-0000-0000-000000000000'"
    } else {
        "X'00000000000000000000000000000000'"
    };
    let promote = format!(
        "UPDATE users SET tenant_id = {nil}, user_type = 'operator' WHERE email = '{email}'"
    );
    app.execute(Service::User, &promote).await;
    let body = json!({ "email": email, "password": PASSWORD });
    let signed = Signed::of(app.post("/users/login?transport=body", body).await);
    let me = by(&app, &signed.access).get("/auth/me").await.expect(200);
    assert_eq!((&me.body["kind"], &me.body["email"]), (&json!("operator"), &json!(email)));
    assert_eq!((&me.body["tenant_id"], &me.body["user_type"]), (&Value::Null, &Value::Null));
    let list = by(&app, &signed.access).get("/auth/sessions").await.expect(200);
    assert_eq!(column(&list, "id"), [signed.session.as_str()]);
    refused(by(&app, &signed.access).get("/users/").await, 403, "forbidden", NO);
    let next = Signed::of(refresh(&app, &signed.refresh).await);
    by(&app, &next.access).post("/auth/logout-all", Value::Null).await.expect(204);
    well_refused(by(&app, &next.access).get("/auth/me").await, 401, "unauthorized");
    app.stop().await;
}
