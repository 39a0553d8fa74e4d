//! `Idempotency-Key`: a client that repeats a request blindly has one effect and one answer.

use chrono::TimeDelta;
use common::db::{Database, Scope, Tx};
use contracts::Service;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use testkit::app::{Answer, Engine, TestApp};

use crate::ask::{By, JSON, by, column, invalid, refused};
use crate::world::{World, guarded, tenant, twin};

testkit::on_both_engines!(crate::world::guarded =>
    the_same_request_gets_the_same_answer,
    another_request_under_the_same_key_is_refused,
    a_refusal_is_not_kept,
    a_key_is_of_one_caller_tenant_and_route,
    an_ill_formed_key_is_refused,
    a_hundred_twins_on_two_replicas_make_one,
    twins_of_two_keys_make_two,
    an_answer_is_kept_for_a_day,
    nobody_else_sees_the_row,
    an_answer_outlives_what_it_is_about,
);

const KEY: &str = "9f3c1d9e-4f5c-4b7e-9a53-0f1f2f6f1c11";

/// A POST with a key.
pub(crate) async fn keyed(who: By<'_>, path: &str, key: &str, body: &Value) -> Answer {
    who.raw("POST", path, &[JSON, ("idempotency-key", key)], &body.to_string()).await
}

/// Asserts the same success twice, the second time as such.
#[track_caller]
pub(crate) fn same(first: &Answer, again: &Answer) {
    assert_eq!(again.status, first.status, "{}", again.text);
    assert_eq!(again.text, first.text);
    for header in ["etag", "content-type", "location", "cache-control"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(again.header("idempotent-replayed"), "true");
}

pub(crate) fn database(app: &TestApp, service: Service) -> &Database {
    let found = app.running.services().iter().find(|found| found.name == service);
    &found.unwrap().database
}

/// How many rows a scope shows.
pub(crate) async fn count(database: &Database, scope: Scope, table: &str) -> i64 {
    let reader = database.read(scope);
    let sql = format!("SELECT count(*) AS n FROM {table}");
    let statement = Statement::from_string(reader.get_database_backend(), sql);
    reader.query_one_raw(statement).await.unwrap().unwrap().try_get("", "n").unwrap()
}

fn category(w: &World, name: &str) -> Value {
    json!({ "tenant_id": w.tenant, "name": name, "type": "fisico" })
}

async fn the_same_request_gets_the_same_answer(app: TestApp) {
    let w = World::new(&app, "eco.example").await;
    let admin = w.admin(&app);
    let room = json!({ "tenant_id": w.tenant, "category_id": w.category, "name": "Água 2" });
    for (who, path, body, tag) in [
        (by(&app, ""), "/tenants/", tenant("novo.example", &json!({})), "\"t-1\""),
        (admin, "/categories/", category(&w, "Quadras"), "\"c-1\""),
        (admin, "/resources/", room, "\"r-1\""),
    ] {
        let first = keyed(who, path, KEY, &body).await.expect(201);
        assert_eq!(first.header("etag"), tag);
        app.clock.advance(TimeDelta::seconds(2));
        // Either form of the path is the same route.
        for path in [path, path.trim_end_matches('/')] {
            same(&first, &keyed(who, path, KEY, &body).await);
        }
        let read = who.get(&format!("{path}{}", first.id())).await.expect(200);
        assert_eq!(read.header("etag"), tag);
    }
    // Without a key every request is a new one.
    admin.post("/categories/", category(&w, "Quadras")).await.expect(201);
    let categories = admin.get("/categories/").await.expect(200);
    assert_eq!(column(&categories, "name"), ["Quadras", "Quadras", "Salas de Aula"]);
    let rooms = admin.get("/resources/").await.expect(200);
    assert_eq!(column(&rooms, "name"), ["Sala 1 - Spinning", "Água 2"]);
    let tenants = by(&app, "").get("/tenants/").await.expect(200);
    assert_eq!(column(&tenants, "domain"), ["eco.example", "novo.example"]);
    app.stop().await;
}

const REUSED: &str = "A Idempotency-Key já foi usada com outra requisição.";

async fn another_request_under_the_same_key_is_refused(app: TestApp) {
    let w = World::new(&app, "outro.example").await;
    let admin = w.admin(&app);
    let body = category(&w, "Quadras");
    let first = keyed(admin, "/categories/", KEY, &body).await.expect(201);
    let other = keyed(admin, "/categories/", KEY, &category(&w, "Campos")).await;
    refused(other, 422, "idempotency_key_reused", REUSED);
    // To the byte, and the query counts.
    let spaced = format!(" {body}");
    let headers = [JSON, ("idempotency-key", KEY)];
    let other = admin.raw("POST", "/categories/", &headers, &spaced).await;
    refused(other, 422, "idempotency_key_reused", REUSED);
    let other = keyed(admin, "/categories/?x=1", KEY, &body).await;
    refused(other, 422, "idempotency_key_reused", REUSED);
    let headers = [JSON, ("idempotency-key", KEY), ("accept-language", "en")];
    let other = admin.raw("POST", "/categories/", &headers, &spaced).await.expect(422);
    assert_eq!(other.message(), "The Idempotency-Key was used with another request.");
    same(&first, &keyed(admin, "/categories/", KEY, &body).await);
    assert_eq!(column(&admin.get("/categories/").await.expect(200), "name").len(), 2);
    app.stop().await;
}

async fn a_refusal_is_not_kept(app: TestApp) {
    let w = World::new(&app, "falha.example").await;
    let body = tenant("falha.example", &json!({ "working_hours_start": "07:00" }));
    let create = async || keyed(by(&app, ""), "/tenants/", KEY, &body).await;
    for _ in 0..2 {
        refused(create().await, 400, "duplicate", "Domínio já cadastrado.");
    }
    let tenants = database(&app, Service::Tenant);
    assert_eq!(count(tenants, Scope::All, "idempotency").await, 0);
    w.admin(&app).delete(&format!("/tenants/{}", w.tenant)).await.expect(204);
    let made = create().await.expect(201);
    same(&made, &create().await);
    assert_eq!(count(tenants, Scope::All, "idempotency").await, 1);
    app.stop().await;
}

async fn a_key_is_of_one_caller_tenant_and_route(app: TestApp) {
    let w = World::new(&app, "um.example").await;
    let other = World::new(&app, "dois.example").await;
    let managing = json!({ "can_manage_resources": true });
    let (_, manager) = w.join(&app, "gerente", "user", managing.clone()).await;
    let (_, key) = w.key(&app, managing).await;
    let mut made = Vec::new();
    for (who, w) in [
        (w.admin(&app), &w),
        (by(&app, &manager), &w),
        (by(&app, &key), &w),
        (other.admin(&app), &other),
    ] {
        let answer = keyed(who, "/categories/", KEY, &category(w, "Quadras")).await.expect(201);
        assert_eq!(answer.header("idempotent-replayed"), "");
        made.push(answer.id());
        let body =
            json!({ "tenant_id": w.tenant, "category_id": w.category, "name": "Sala do lado" });
        keyed(who, "/resources/", KEY, &body).await.expect(201);
    }
    made.sort_unstable();
    made.dedup();
    assert_eq!(made.len(), 4);
    // Whoever may not ask gets no answer, whatever the key.
    let plain = keyed(w.user(&app), "/categories/", KEY, &category(&w, "Quadras")).await;
    plain.expect(403);
    keyed(by(&app, ""), "/categories/", KEY, &category(&w, "Quadras")).await.expect(401);
    app.stop().await;
}

async fn an_ill_formed_key_is_refused(app: TestApp) {
    let w = World::new(&app, "forma.example").await;
    let body = category(&w, "Quadras");
    let long = "k".repeat(256);
    for key in ["", "a b", "é", "a\tb", &long] {
        let answer = keyed(w.admin(&app), "/categories/", key, &body).await;
        invalid(answer, &["Idempotency-Key"]);
    }
    let twice = [JSON, ("idempotency-key", "a"), ("idempotency-key", "a")];
    let answer = w.admin(&app).raw("POST", "/categories/", &twice, &body.to_string()).await;
    invalid(answer, &["Idempotency-Key"]);
    for key in ["1", "\"quoted\"", &long[1..], "!~"] {
        keyed(w.admin(&app), "/categories/", key, &body).await.expect(201);
    }
    app.stop().await;
}

async fn a_hundred_twins_on_two_replicas_make_one(app: TestApp) {
    let w = World::new(&app, "gemeos.example").await;
    let replica = twin(&app, &[]).await;
    let body = json!({ "tenant_id": w.tenant, "category_id": w.category, "name": "Sala gêmea" });
    let ask = |number: usize| {
        let app = if number.is_multiple_of(2) { &app } else { &replica };
        keyed(w.admin(app), "/resources/", KEY, &body)
    };
    let answers = join_all((0..100).map(ask)).await;
    one_of(&answers);
    let rooms = w.admin(&app).get("/resources/").await.expect(200);
    assert_eq!(column(&rooms, "name"), ["Sala 1 - Spinning", "Sala gêmea"]);
    replica.stop().await;
    app.stop().await;
}

/// One was first, all the others got its answer.
#[track_caller]
pub(crate) fn one_of(answers: &[Answer]) {
    let replayed = |answer: &&Answer| answer.header("idempotent-replayed") == "true";
    for answer in answers {
        assert_eq!(answer.status.as_u16(), 201, "{}", answer.text);
        assert_eq!(answer.text, answers[0].text);
    }
    assert_eq!(answers.iter().filter(replayed).count(), answers.len() - 1);
}

async fn twins_of_two_keys_make_two(app: TestApp) {
    let bodies = ["a.example", "b.example"].map(|domain| tenant(domain, &json!({})));
    let ask = |number: usize| {
        let body = &bodies[number % 2];
        let key = if number.is_multiple_of(2) { "a" } else { "b" };
        keyed(by(&app, ""), "/tenants/", key, body)
    };
    let answers = join_all((0..100).map(ask)).await;
    let (even, odd): (Vec<_>, Vec<_>) =
        answers.into_iter().enumerate().partition(|(number, _)| number.is_multiple_of(2));
    for half in [even, odd] {
        one_of(&half.into_iter().map(|(_, answer)| answer).collect::<Vec<_>>());
    }
    assert_eq!(count(database(&app, Service::Tenant), Scope::All, "tenants").await, 2);
    app.stop().await;
}

async fn an_answer_is_kept_for_a_day(app: TestApp) {
    let mut w = World::new(&app, "dia.example").await;
    let body = category(&w, "Quadras");
    let first = keyed(w.admin(&app), "/categories/", KEY, &body).await.expect(201);
    keyed(w.admin(&app), "/categories/", "other", &body).await.expect(201);
    w.wait(&app, TimeDelta::hours(24) - TimeDelta::seconds(1)).await;
    same(&first, &keyed(w.admin(&app), "/categories/", KEY, &body).await);
    let resources = database(&app, Service::Resource);
    let forget = async || {
        let services = app.running.services().iter();
        for job in services.flat_map(|service| &service.jobs) {
            if job.name == "forget old answers" {
                (job.run)().await.unwrap();
            }
        }
        count(resources, Scope::All, "idempotency").await
    };
    assert_eq!(forget().await, 2);
    w.wait(&app, TimeDelta::seconds(1)).await;
    // Past its time it is taken over, whether or not it was removed before.
    let next = keyed(w.admin(&app), "/categories/", KEY, &body).await.expect(201);
    assert_ne!(next.id(), first.id());
    assert_eq!(forget().await, 1, "the one that was taken over stays");
    same(&next, &keyed(w.admin(&app), "/categories/", KEY, &body).await);
    app.stop().await;
}

async fn nobody_else_sees_the_row(app: TestApp) {
    let w = World::new(&app, "meu.example").await;
    let other = World::new(&app, "seu.example").await;
    keyed(w.admin(&app), "/categories/", KEY, &category(&w, "Zyqx")).await.expect(201);
    let resources = database(&app, Service::Resource);
    assert_eq!(count(resources, Scope::All, "idempotency").await, 1);
    if app.platform.settings.database(Service::Resource).starts_with("postgres") {
        let shown = [(&w, 1), (&other, 0)];
        for (world, rows) in shown {
            let scope = Scope::Tenant(world.tenant.parse().unwrap());
            assert_eq!(count(resources, scope, "idempotency").await, rows);
        }
    }
    // Neither the key nor what was answered can be read from it.
    let reader = resources.read(Scope::All);
    let sql = "SELECT lookup, fingerprint, answer FROM idempotency";
    let statement = Statement::from_string(reader.get_database_backend(), sql);
    let row = reader.query_one_raw(statement).await.unwrap().unwrap();
    let texts: [String; 2] = [row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap()];
    assert!(texts.iter().all(|text| text.len() == 64 && !text.contains(KEY)), "{texts:?}");
    let answer: Vec<u8> = row.try_get_by_index(2).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(!answer.contains("Zyqx") && !answer.contains(&w.tenant), "{answer}");
    app.stop().await;
}

/// What has become of the world since is not looked at: the answer is that of then.
async fn an_answer_outlives_what_it_is_about(app: TestApp) {
    let w = World::new(&app, "depois.example").await;
    let admin = w.admin(&app);
    let made = admin.post("/categories/", category(&w, "Quadras")).await.expect(201).id();
    let body = json!({ "tenant_id": w.tenant, "category_id": made, "name": "Quadra 1" });
    let first = keyed(admin, "/resources/", KEY, &body).await.expect(201);
    admin.delete(&format!("/resources/{}", first.id())).await.expect(204);
    admin.delete(&format!("/categories/{made}")).await.expect(204);
    admin.post("/resources/", body.clone()).await.expect(404);
    same(&first, &keyed(admin, "/resources/", KEY, &body).await);
    app.stop().await;
}

/// The first is at work for longer than the database waits for a lock.
#[tokio::test(flavor = "multi_thread")]
async fn a_twin_does_not_wait_for_ever() {
    let app = guarded(Engine::Postgres).await;
    let body = tenant("espera.example", &json!({}));
    let first = keyed(by(&app, ""), "/tenants/", KEY, &body).await.expect(201);
    let tenants = database(&app, Service::Tenant);
    let (app, body) = (&app, &body);
    let slow = |tx: Tx| async move {
        tx.execute_unprepared("UPDATE idempotency SET status = 0").await?;
        let answer = keyed(by(app, ""), "/tenants/", KEY, body).await;
        assert_eq!(answer.header("retry-after"), "1");
        let text = "Uma requisição com esta Idempotency-Key ainda está em andamento.";
        refused(answer, 409, "idempotency_in_progress", text);
        Err::<(), _>(sea_orm::DbErr::Custom("no".to_owned()))
    };
    tenants.transact(Scope::All, slow).await.unwrap_err();
    same(&first, &keyed(by(app, ""), "/tenants/", KEY, body).await);
}
