//! What a password must be like, changing it, and how it is stored.

use common::db::Scope;
use contracts::Service;
use contracts::event::Envelope;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;
use testkit::app::{Answer, TestApp};

use crate::ask::{by, invalid, names, refused, well_refused};
use crate::world::{PASSWORD, World, person, tenant, twin};

testkit::on_both_engines!(crate::world::guarded =>
    a_bad_password_is_refused_wherever_it_is_set,
    a_tenant_may_ask_for_more,
    changing_needs_the_current_password,
    wrong_current_passwords_are_throttled_like_sign_ins,
    of_two_changes_at_once_one_wins,
    a_sign_in_renews_the_hash_when_its_cost_has_changed,
);

const CHANGE: &str = "/auth/password/change";
/// What a changed password is told as.
const TOLD: [&str; 2] = ["user.updated", "security.password_changed"];
const WRONG: &str = "Senha atual incorreta.";

pub(crate) async fn sign_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post("/users/login", json!({ "email": email, "password": password })).await
}

/// Asserts a 422 that names this field with this code.
#[track_caller]
fn faulty(answer: Answer, field: &str, code: &str) {
    let answer = invalid(answer, &[field]);
    assert_eq!(answer.body["fields"][0]["code"], code, "{}", answer.text);
}

/// The user service's events without those of signing in and out.
pub(crate) async fn changes(app: &TestApp) -> Vec<Envelope> {
    let mut events = app.events(Service::User).await;
    let of_sessions = ["security.signed_in", "security.sign_in_failed", "security.session_ended"];
    events.retain(|event| !of_sessions.contains(&event.event_type.as_str()));
    events
}

async fn a_bad_password_is_refused_wherever_it_is_set(app: TestApp) {
    let w = World::new(&app, "regra.example").await;
    let path = format!("/users/{}", w.user);
    for (password, code) in
        [("curta 1", "too_short"), ("sem nenhum digito", "weak"), ("QWERTY123", "common")]
    {
        let mut body = person(&w.tenant, "Nova", "nova@regra.example", "user");
        body["password"] = json!(password);
        faulty(w.admin(&app).post("/users/", body).await, "password", code);
        faulty(w.admin(&app).put(&path, json!({ "password": password })).await, "password", code);
        let change = json!({ "current_password": PASSWORD, "new_password": password });
        faulty(w.user(&app).post(CHANGE, change).await, "new_password", code);
    }
    sign_in(&app, "joao@regra.example", PASSWORD).await.expect(200);
    assert_eq!(changes(&app).await, [], "nothing was changed");
    app.stop().await;
}

async fn a_tenant_may_ask_for_more(app: TestApp) {
    let policy = json!({ "password_policy": { "min_length": 12, "require_symbol": true } });
    let made = app.post("/tenants/", tenant("forte.example", &policy)).await.expect(201);
    let settings = &made.body["settings"]["password_policy"];
    assert_eq!(
        settings,
        &json!({ "min_length": 12, "require_symbol": true, "require_uppercase": false })
    );
    let mut admin = person(&made.id(), "Ana", "ana@forte.example", "admin");
    for (password, code) in [("curta-mas-1", "too_short"), ("sem um simbolo 1", "weak")] {
        admin["password"] = json!(password);
        faulty(app.post("/users/", admin.clone()).await, "password", code);
    }
    admin["password"] = json!("com-um-simbolo 1");
    app.post("/users/", admin).await.expect(201);
    let login = sign_in(&app, "ana@forte.example", "com-um-simbolo 1").await.expect(200);
    let token = login.body["access_token"].as_str().unwrap();
    // An edit of one of its fields keeps the others, and counts from then on.
    let edit = json!({ "password_policy": { "require_uppercase": true } });
    let path = format!("/tenants/{}/settings", made.id());
    let after = by(&app, token).put(&path, edit).await.expect(200);
    let all = json!({ "min_length": 12, "require_symbol": true, "require_uppercase": true });
    assert_eq!(after.body["password_policy"], all);
    app.settle().await;
    let change = |new: &str| json!({ "current_password": "com-um-simbolo 1", "new_password": new });
    faulty(by(&app, token).post(CHANGE, change("outro-simbolo 2")).await, "new_password", "weak");
    by(&app, token).post(CHANGE, change("Outro-simbolo 2")).await.expect(204);
    app.stop().await;
}

async fn changing_needs_the_current_password(app: TestApp) {
    let w = World::new(&app, "troca.example").await;
    let change =
        |current: &str| json!({ "current_password": current, "new_password": "outra 12345" });
    well_refused(by(&app, "").post(CHANGE, change(PASSWORD)).await, 401, "unauthorized");
    refused(w.user(&app).post(CHANGE, change("errada")).await, 403, "wrong_password", WRONG);
    sign_in(&app, "joao@troca.example", PASSWORD).await.expect(200);
    w.user(&app).post(CHANGE, change(PASSWORD)).await.expect(204);
    sign_in(&app, "joao@troca.example", PASSWORD).await.expect(401);
    sign_in(&app, "joao@troca.example", "outra 12345").await.expect(200);
    refused(w.user(&app).post(CHANGE, change(PASSWORD)).await, 403, "wrong_password", WRONG);
    assert_eq!(names(&changes(&app).await), TOLD);
    invalid(w.user(&app).post(CHANGE, json!({})).await, &["current_password", "new_password"]);
    // Who has no password has none to change, and no session any more.
    w.admin(&app).put(&format!("/users/{}", w.user), json!({ "password": null })).await.expect(200);
    well_refused(w.user(&app).post(CHANGE, change("outra 12345")).await, 401, "unauthorized");
    app.stop().await;
}

async fn wrong_current_passwords_are_throttled_like_sign_ins(app: TestApp) {
    let w = World::new(&app, "chute.example").await;
    let change =
        |current: &str| json!({ "current_password": current, "new_password": "outra 12345" });
    for _ in 0..5 {
        w.user(&app).post(CHANGE, change("errada")).await.expect(403);
    }
    let blocked =
        well_refused(w.user(&app).post(CHANGE, change(PASSWORD)).await, 429, "rate_limited");
    assert_eq!(blocked.header("retry-after"), "1");
    // It is the same account as that of a sign-in which names the tenant.
    let body =
        json!({ "email": "JOAO@chute.example", "password": PASSWORD, "tenant_id": w.tenant });
    app.post("/users/login", body.clone()).await.expect(429);
    app.clock.advance(chrono::TimeDelta::seconds(1));
    w.user(&app).post(CHANGE, change(PASSWORD)).await.expect(204);
    // A new password begins with no failures.
    app.post("/users/login", body).await.expect(401);
    app.stop().await;
}

async fn of_two_changes_at_once_one_wins(app: TestApp) {
    let w = World::new(&app, "corrida.example").await;
    let change = |new: &str| json!({ "current_password": PASSWORD, "new_password": new });
    let (user, body) = (w.user(&app), change("primeira 1"));
    let (one, other) =
        tokio::join!(user.post(CHANGE, body), user.post(CHANGE, change("segunda 22")));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 403]);
    let winner = if one.status.as_u16() == 204 { "primeira 1" } else { "segunda 22" };
    sign_in(&app, "joao@corrida.example", winner).await.expect(200);
    assert_eq!(names(&changes(&app).await), TOLD);
    app.stop().await;
}

/// The stored hash and version of the user with this address.
async fn stored(app: &TestApp, email: &str) -> (String, i64) {
    let mut services = app.running.services().iter();
    let found = services.find(|service| service.name == Service::User).unwrap();
    let db = found.database.read(Scope::All);
    let sql = "SELECT password_hash, version FROM users WHERE email_key = $1";
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [email.into()]);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())
}

async fn a_sign_in_renews_the_hash_when_its_cost_has_changed(app: TestApp) {
    World::new(&app, "custo.example").await;
    let email = "joao@custo.example";
    let (before, version) = stored(&app, email).await;
    assert!(before.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{before}");
    let cheap = [("ARGON2_MEMORY_KIB", "8192"), ("ARGON2_PASSES", "1")];
    let other = twin(&app, &cheap).await;
    sign_in(&other, email, "errada").await.expect(401);
    assert_eq!(stored(&app, email).await, (before, version), "a wrong password renews nothing");
    sign_in(&other, email, PASSWORD).await.expect(200);
    let (renewed, same) = stored(&app, email).await;
    assert!(renewed.starts_with("$argon2id$v=19$m=8192,t=1,p=1$"), "{renewed}");
    assert_eq!(same, version);
    sign_in(&other, email, PASSWORD).await.expect(200);
    assert_eq!(stored(&app, email).await, (renewed, version), "once is enough");
    sign_in(&app, email, PASSWORD).await.expect(200);
    assert!(stored(&app, email).await.0.contains("m=19456,t=2"), "and back");
    assert_eq!(changes(&app).await, [], "nobody else can see it");
    other.stop().await;
    app.stop().await;
}
