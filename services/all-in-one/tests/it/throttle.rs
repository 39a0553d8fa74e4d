//! Guessing passwords gets slower and slower, and nobody is locked out for good.

use chrono::TimeDelta;
use common::db::Scope;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::well_refused;
use crate::passwords::sign_in;
use crate::world::{PASSWORD, World, person};

testkit::on_both_engines!(crate::world::guarded =>
    the_wait_grows_to_the_cap_and_a_blocked_try_does_not_extend_it,
    known_and_unknown_addresses_are_throttled_alike,
    a_success_forgets_the_failures_and_so_does_time,
    a_burst_of_guesses_gets_no_more_than_the_free_ones,
    who_is_blocked_cannot_sign_in_with_the_right_password_until_the_wait_is_over,
    every_refusal_compares_one_password_whoever_it_is_about,
    what_is_forgotten_is_removed,
);

fn retry_after(answer: &Answer) -> i64 {
    answer.header("retry-after").parse().unwrap()
}

/// Guesses wrongly; how long to wait then, 0 when the guess was taken.
async fn guess(app: &TestApp, email: &str) -> i64 {
    let answer = sign_in(app, email, "errada 123").await;
    if answer.status.as_u16() == 401 {
        return 0;
    }
    let answer = well_refused(answer, 429, "rate_limited");
    assert!(answer.message().starts_with("Muitas tentativas."), "{}", answer.text);
    retry_after(&answer)
}

/// Guesses as fast as it may; the waits.
async fn waits(app: &TestApp, email: &str, guesses: usize) -> Vec<i64> {
    let mut waits = Vec::new();
    while waits.len() < guesses {
        let wait = guess(app, email).await;
        if wait > 0 {
            app.clock.advance(TimeDelta::seconds(wait));
        }
        waits.push(wait);
    }
    waits
}

const GROWING: [i64; 26] =
    [0, 0, 0, 0, 0, 1, 0, 2, 0, 4, 0, 8, 0, 16, 0, 32, 0, 64, 0, 128, 0, 256, 0, 300, 0, 300];

async fn the_wait_grows_to_the_cap_and_a_blocked_try_does_not_extend_it(app: TestApp) {
    World::new(&app, "cresce.example").await;
    let email = "joao@cresce.example";
    assert_eq!(waits(&app, email, GROWING.len()).await, GROWING);
    assert_eq!(guess(&app, email).await, 0);
    for passed in [0, 0, 100, 199] {
        app.clock.advance(TimeDelta::seconds(passed));
        let wait = guess(&app, email).await;
        assert!((1..=300).contains(&wait), "{wait}");
    }
    app.clock.advance(TimeDelta::milliseconds(500));
    assert_eq!(guess(&app, email).await, 1, "what is left is rounded up");
    app.clock.advance(TimeDelta::milliseconds(500));
    assert_eq!(guess(&app, email).await, 0);
    app.stop().await;
}

async fn known_and_unknown_addresses_are_throttled_alike(app: TestApp) {
    let w = World::new(&app, "igual.example").await;
    let mut silent = person(&w.tenant, "Sem Senha", "sem@igual.example", "user");
    silent["password"] = Value::Null;
    w.admin(&app).post("/users/", silent).await.expect(201);
    let mut bodies = Vec::new();
    for email in ["ninguem@igual.example", "joao@igual.example", "sem@igual.example"] {
        assert_eq!(waits(&app, email, 12).await, GROWING[..12], "{email}");
        assert_eq!(guess(&app, email).await, 0);
        let mut blocked = sign_in(&app, email, PASSWORD).await.expect(429);
        blocked.body["trace_id"] = Value::Null;
        bodies.push(blocked.body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    // In a tenant that does not exist as well.
    let body =
        json!({ "email": "a@b.example", "password": "errada 123", "domain": "nada.example" });
    for _ in 0..5 {
        app.post("/users/login", body.clone()).await.expect(401);
    }
    app.post("/users/login", body).await.expect(429);
    app.stop().await;
}

async fn a_success_forgets_the_failures_and_so_does_time(app: TestApp) {
    World::new(&app, "perdoa.example").await;
    let email = "joao@perdoa.example";
    for _ in 0..3 {
        assert_eq!(waits(&app, email, 4).await, [0; 4]);
        sign_in(&app, email, PASSWORD).await.expect(200);
    }
    assert_eq!(waits(&app, email, 6).await, GROWING[..6]);
    app.clock.advance(TimeDelta::minutes(15));
    assert_eq!(waits(&app, email, 6).await, GROWING[..6]);
    // Another account was never meant.
    sign_in(&app, "ana@perdoa.example", PASSWORD).await.expect(200);
    app.stop().await;
}

async fn a_burst_of_guesses_gets_no_more_than_the_free_ones(app: TestApp) {
    World::new(&app, "rajada.example").await;
    for email in ["joao@rajada.example", "ninguem@rajada.example"] {
        let burst = (0..50).map(|_| sign_in(&app, email, "errada 123"));
        let answers = futures_util::future::join_all(burst).await;
        let count = |status| answers.iter().filter(|answer| answer.status == status).count();
        // 503: no connection or no core in time; such a try was not made.
        assert_eq!(count(401) + count(429) + count(503), 50, "{email}");
        assert!((1..=5).contains(&count(401)), "{email}: {}", count(401));
        let mut blocked = answers.iter().filter(|answer| answer.status == 429);
        assert!(blocked.all(|answer| retry_after(answer) == 1), "{email}");
    }
    app.stop().await;
}

async fn who_is_blocked_cannot_sign_in_with_the_right_password_until_the_wait_is_over(
    app: TestApp,
) {
    World::new(&app, "espera.example").await;
    let email = "joao@espera.example";
    assert_eq!(waits(&app, email, 7).await, GROWING[..7]);
    let blocked = sign_in(&app, email, PASSWORD).await.expect(429);
    assert_eq!(retry_after(&blocked), 2);
    app.clock.advance(TimeDelta::milliseconds(1_999));
    sign_in(&app, email, PASSWORD).await.expect(429);
    app.clock.advance(TimeDelta::milliseconds(1));
    sign_in(&app, email, PASSWORD).await.expect(200);
    assert_eq!(waits(&app, email, 6).await, GROWING[..6]);
    app.stop().await;
}

/// How many passwords were compared so far.
fn comparisons(app: &TestApp) -> u64 {
    let text = app.platform.metrics.render();
    let line = text.lines().find_map(|line| line.strip_prefix("marca_password_comparisons_total "));
    line.unwrap().parse().unwrap()
}

async fn every_refusal_compares_one_password_whoever_it_is_about(app: TestApp) {
    let w = World::new(&app, "tempo.example").await;
    let twin = World::new(&app, "outra.example").await;
    for (name, change) in
        [("sem", json!({ "password": null })), ("off", json!({ "is_active": false }))]
    {
        let mut body = person(&w.tenant, name, &format!("{name}@tempo.example"), "user");
        for (field, value) in change.as_object().unwrap() {
            body[field] = value.clone();
        }
        w.admin(&app).post("/users/", body).await.expect(201);
    }
    let double = person(&twin.tenant, "João", "joao@tempo.example", "user");
    twin.admin(&app).post("/users/", double).await.expect(201);
    for (body, status) in [
        (json!({ "email": "ana@tempo.example", "password": "errada 123" }), 401),
        (json!({ "email": "ninguem@tempo.example", "password": "errada 123" }), 401),
        (json!({ "email": "sem@tempo.example", "password": PASSWORD }), 401),
        (json!({ "email": "off@tempo.example", "password": PASSWORD }), 401),
        // In two tenants, and none named.
        (json!({ "email": "joao@tempo.example", "password": PASSWORD }), 401),
        (json!({ "email": "ana@tempo.example", "password": PASSWORD, "domain": "x.example" }), 401),
        (json!({ "email": "ana@tempo.example", "password": PASSWORD }), 200),
    ] {
        let before = comparisons(&app);
        app.post("/users/login", body.clone()).await.expect(status);
        assert_eq!(comparisons(&app), before + 1, "{body}");
    }
    waits(&app, "ana@tempo.example", 6).await;
    assert_eq!(guess(&app, "ana@tempo.example").await, 0);
    let before = comparisons(&app);
    sign_in(&app, "ana@tempo.example", PASSWORD).await.expect(429);
    assert_eq!(comparisons(&app), before, "a blocked try compares nothing");
    app.stop().await;
}

async fn what_is_forgotten_is_removed(app: TestApp) {
    use sea_orm::{ConnectionTrait as _, Statement};
    let services = app.running.services();
    let user = services.iter().find(|service| service.name == contracts::Service::User).unwrap();
    let rows = async || {
        let db = user.database.read(Scope::All);
        let sql = "SELECT COUNT(*) FROM sign_in_throttle";
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap()
    };
    assert_eq!(waits(&app, "a@b.example", 5).await, [0; 5]);
    app.clock.advance(TimeDelta::minutes(14));
    guess(&app, "c@d.example").await;
    let prune = async || app.run_job("prune failed sign-ins and recoveries").await.unwrap();
    prune().await;
    assert_eq!(rows().await, 2);
    app.clock.advance(TimeDelta::minutes(1));
    prune().await;
    assert_eq!(rows().await, 1);
    app.stop().await;
}
