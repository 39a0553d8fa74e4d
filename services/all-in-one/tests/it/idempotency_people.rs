//! The same where people and credentials are made: one account, one key, one mail, and no secret in a
//! table.

use chrono::TimeDelta;
use common::db::Scope;
use contracts::Service;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{by, column, names, refused, security_events};
use crate::idempotency::{count, database, keyed, same};
use crate::world::{PASSWORD, World, person};

testkit::on_both_engines!(crate::world::guarded =>
    an_account_is_made_once,
    the_first_admin_is_made_once,
    an_api_key_is_made_once_and_is_nowhere_in_clear,
    a_password_is_changed_once,
    a_mail_is_sent_once_and_its_code_used_once,
    a_person_is_erased_once,
    what_hands_out_credentials_keeps_nothing,
);

const KEY: &str = "4a0d6a1e-6b0e-4f3c-8f0e-2d5a3f1c9b77";

async fn an_account_is_made_once(app: TestApp) {
    let w = World::new(&app, "conta.example").await;
    let ana = person(&w.tenant, "Bia", "bia@conta.example", "user");
    let first = keyed(w.admin(&app), "/users/", KEY, &ana).await.expect(201);
    assert_eq!(first.header("etag"), "\"u-1\"");
    same(&first, &keyed(w.admin(&app), "/users/", KEY, &ana).await);
    // Another route and another author, so another request: that one is refused by the rules.
    for path in ["/auth/register", "/users/"] {
        let mut body = ana.clone();
        if path == "/auth/register" {
            body.as_object_mut().unwrap().remove("user_type");
        }
        let answer = keyed(by(&app, ""), path, KEY, &body).await;
        refused(answer, 400, "duplicate", "E-mail já cadastrado para este tenant");
    }
    let body = json!({
        "domain": w.domain, "name": "Caio", "email": "caio@conta.example", "password": PASSWORD,
    });
    let first = keyed(by(&app, ""), "/auth/register", KEY, &body).await.expect(201);
    same(&first, &keyed(by(&app, ""), "/auth/register", KEY, &body).await);
    let users = w.admin(&app).get("/users/").await.expect(200);
    assert_eq!(column(&users, "name"), ["Ana Admin", "Bia", "Caio", "João Silva"]);
    app.stop().await;
}

/// Twins that each would be allowed by themselves: the tenant has no user yet.
async fn the_first_admin_is_made_once(app: TestApp) {
    let made = app.post("/tenants/", crate::world::tenant("zero.example", &json!({}))).await;
    let tenant = made.expect(201).id();
    let body = person(&tenant, "Ana", "ana@zero.example", "admin");
    let answers = join_all((0..8).map(|_| keyed(by(&app, ""), "/users/", KEY, &body))).await;
    for answer in &answers {
        assert_eq!(answer.status.as_u16(), 201, "{}", answer.text);
        assert_eq!(answer.text, answers[0].text);
    }
    assert_eq!(count(database(&app, Service::User), Scope::All, "users").await, 1);
    app.stop().await;
}

async fn texts(app: &TestApp, service: Service, sql: &str) -> Vec<u8> {
    let reader = database(app, service).read(Scope::All);
    let statement = Statement::from_string(reader.get_database_backend(), sql);
    let row = reader.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn an_api_key_is_made_once_and_is_nowhere_in_clear(app: TestApp) {
    let w = World::new(&app, "chave.example").await;
    let path = format!("/tenants/{}/api-keys", w.tenant);
    let body = json!({ "name": "Site", "scopes": { "can_book": true } });
    let first = keyed(w.admin(&app), &path, KEY, &body).await.expect(201);
    let again = keyed(w.admin(&app), &path, KEY, &body).await;
    same(&first, &again);
    assert_eq!(again.header("cache-control"), "no-store");
    let key = again.body["key"].as_str().unwrap();
    by(&app, key).get("/bookings/").await.expect(200);
    assert_eq!(w.admin(&app).get(&path).await.expect(200).body.as_array().unwrap().len(), 1);
    let told = security_events(&app).await;
    let made = names(&told).iter().filter(|name| **name == "security.api_key_created").count();
    assert_eq!(made, 1);
    let stored = texts(&app, Service::User, "SELECT answer FROM idempotency").await;
    let secret = key.get(12..).unwrap().as_bytes();
    assert!(!stored.windows(secret.len()).any(|part| part == secret));
    // Another admin who knows the idempotency key gets a key of his own.
    let (_, other) = w.join(&app, "outra", "admin", json!({})).await;
    let another = keyed(by(&app, &other), &path, KEY, &body).await.expect(201);
    assert_ne!(another.body["key"], first.body["key"]);
    app.stop().await;
}

async fn a_password_is_changed_once(app: TestApp) {
    let w = World::new(&app, "senha.example").await;
    let body = json!({ "current_password": PASSWORD, "new_password": "outra senha 2" });
    let path = "/auth/password/change";
    // Fewer than the failures that make one wait.
    let answers = join_all((0..4).map(|_| keyed(w.user(&app), path, KEY, &body))).await;
    for answer in answers {
        answer.expect(204);
    }
    let again = keyed(w.user(&app), path, KEY, &body).await.expect(204);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let told = security_events(&app).await;
    let changed = names(&told).iter().filter(|name| **name == "security.password_changed").count();
    assert_eq!(changed, 1);
    // None of the repetitions counts as a failure: five are free, and the sixth has to wait.
    let wrong = json!({ "current_password": PASSWORD, "new_password": "mais uma 3" });
    for _ in 0..5 {
        w.user(&app).post(path, wrong.clone()).await.expect(403);
    }
    w.user(&app).post(path, wrong).await.expect(429);
    app.stop().await;
}

async fn a_mail_is_sent_once_and_its_code_used_once(app: TestApp) {
    let w = World::new(&app, "esqueci.example").await;
    let nobody = by(&app, "");
    let body = json!({ "email": "joao@esqueci.example", "tenant_id": w.tenant });
    let first = keyed(nobody, "/auth/password/recover", KEY, &body).await.expect(202);
    same(&first, &keyed(nobody, "/auth/password/recover", KEY, &body).await);
    app.run_job("send recovery mails").await.unwrap();
    let mails = app.letters.empty();
    assert_eq!(mails.len(), 1);
    let text = &mails[0].text;
    let start = text.find("mp_").unwrap();
    let code = text.get(start..start + 46).unwrap();
    let body = json!({ "token": code, "password": "outra senha 2" });
    let reset = async || keyed(nobody, "/auth/password/reset", KEY, &body).await;
    let answers = join_all((0..4).map(|_| reset())).await;
    for answer in answers {
        answer.expect(204);
    }
    assert_eq!(reset().await.expect(204).header("idempotent-replayed"), "true");
    let unkeyed = nobody.post("/auth/password/reset", body.clone()).await;
    refused(unkeyed, 400, "invalid_token", "Código inválido, usado ou expirado.");
    app.stop().await;
}

async fn a_person_is_erased_once(app: TestApp) {
    let w = World::new(&app, "apagar.example").await;
    let path = format!("/users/{}/erasure", w.user);
    let erase = async |key: &str| -> Answer {
        w.admin(&app).raw("POST", &path, &[("idempotency-key", key)], "").await
    };
    erase(KEY).await.expect(204);
    app.clock.advance(TimeDelta::seconds(5));
    assert_eq!(erase(KEY).await.expect(204).header("idempotent-replayed"), "true");
    refused(erase("other").await, 404, "not_found", "Usuário não encontrado");
    let told = security_events(&app).await;
    let erased = names(&told).iter().filter(|name| **name == "security.user_erased").count();
    assert_eq!(erased, 1);
    app.stop().await;
}

/// Their answers are credentials: each request has its own.
async fn what_hands_out_credentials_keeps_nothing(app: TestApp) {
    let w = World::new(&app, "entrar.example").await;
    let body = json!({
        "email": "joao@entrar.example", "password": PASSWORD, "tenant_id": w.tenant,
    });
    let token = |answer: &Answer| answer.body["access_token"].clone();
    let one = keyed(by(&app, ""), "/users/login?transport=body", KEY, &body).await.expect(200);
    let two = keyed(by(&app, ""), "/users/login?transport=body", KEY, &body).await.expect(200);
    assert_ne!(token(&one), token(&two));
    assert_eq!(two.header("idempotent-replayed"), "");
    let refresh = json!({ "refresh_token": one.body["refresh_token"] });
    keyed(by(&app, ""), "/auth/refresh?transport=body", KEY, &refresh).await.expect(200);
    let out = keyed(w.user(&app), "/auth/logout", KEY, &Value::Null).await;
    assert_ne!(out.status.as_u16(), 500, "{}", out.text);
    assert_eq!(count(database(&app, Service::User), Scope::All, "idempotency").await, 0);
    app.stop().await;
}
