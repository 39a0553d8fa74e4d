//! API keys: made, shown once, noted when used, and taken back.

use chrono::TimeDelta;
use contracts::Service;
use contracts::event::Envelope;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::app::{Answer, TestApp};

use crate::ask::{by, column, invalid, keys, refused};
use crate::world::{World, operator};

testkit::on_both_engines!(crate::world::guarded =>
    a_key_is_shown_once_and_never_again,
    what_is_no_key_is_refused_like_any_bad_token,
    the_shape_of_a_new_key_is_judged,
    a_key_expires_to_the_second,
    a_revoked_key_stops_at_once_and_for_good,
    its_use_is_noted_once_a_minute_and_told_once_an_hour,
    a_tenant_has_a_hundred_live_keys_at_most,
    keys_are_listed_in_pages_by_age,
    keys_go_with_their_tenant_and_rest_with_it,
);

const BAD: &str = "Token inválido ou expirado.";

fn path(w: &World) -> String {
    format!("/tenants/{}/api-keys", w.tenant)
}

fn hash(key: &str) -> String {
    common::providers::hex(&Sha256::digest(key))
}

/// One guarded route of each service, which any key may use.
async fn everywhere(app: &TestApp, w: &World, key: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    // The user service has none that is open to every key: what it answers is no 401.
    for path in [
        format!("/tenants/{}/settings", w.tenant),
        "/resources/".to_owned(),
        "/bookings/".to_owned(),
        "/users/".to_owned(),
    ] {
        answers.push(by(app, key).get(&path).await);
    }
    answers
}

async fn works(app: &TestApp, w: &World, key: &str) {
    for (answer, status) in everywhere(app, w, key).await.into_iter().zip([200, 200, 200, 403]) {
        answer.expect(status);
    }
}

async fn is_refused(app: &TestApp, w: &World, key: &str) {
    for answer in everywhere(app, w, key).await {
        refused(answer, 401, "unauthorized", BAD);
    }
}

/// The events about keys so far.
async fn told(app: &TestApp) -> Vec<Envelope> {
    let mut events = app.events(Service::User).await;
    events.retain(|event| event.event_type.starts_with("security.api_key"));
    events
}

async fn a_key_is_shown_once_and_never_again(app: TestApp) {
    let w = World::new(&app, "chave.example").await;
    let body = json!({ "name": "Site", "scopes": { "can_book": true }, "expires_at": null });
    let made = w.admin(&app).post(&path(&w), body).await.expect(201);
    assert_eq!(made.header("cache-control"), "no-store");
    let shown = [
        "created_at",
        "created_by",
        "expires_at",
        "id",
        "last_used_at",
        "name",
        "prefix",
        "revoked_at",
        "scopes",
        "tenant_id",
    ];
    let mut whole = shown.to_vec();
    whole.push("key");
    whole.sort_unstable();
    assert_eq!(keys(&made.body), whole);
    let key = made.body["key"].as_str().unwrap();
    let prefix = made.body["prefix"].as_str().unwrap();
    assert!(key.starts_with(&format!("{prefix}_")) && prefix.len() == 11 && key.len() == 55);
    for (field, value) in [
        ("name", json!("Site")),
        ("created_by", json!(w.admin)),
        ("created_at", json!("2027-03-01T12:00:00Z")),
        ("expires_at", Value::Null),
        ("last_used_at", Value::Null),
        ("revoked_at", Value::Null),
        ("tenant_id", json!(w.tenant)),
    ] {
        assert_eq!(made.body[field], value, "{field}");
    }
    works(&app, &w, key).await;
    let one = w.admin(&app).get(&format!("{}/{}", path(&w), made.id())).await.expect(200);
    assert_eq!(keys(&one.body), shown);
    assert_eq!(one.body["scopes"]["can_book"], true);
    let list = w.admin(&app).get(&path(&w)).await.expect(200);
    assert_eq!(list.body, json!([one.body]));
    let secret = key.get(12..).unwrap();
    for event in told(&app).await {
        let text = serde_json::to_string(&event).unwrap();
        assert!(!text.contains(secret) && !text.contains(&hash(key)), "{text}");
    }
    for answer in [one, list] {
        assert!(!answer.text.contains(secret) && !answer.text.contains(&hash(key)));
    }
    let names: Vec<_> = told(&app).await.into_iter().map(|event| event.event_type).collect();
    assert_eq!(names, ["security.api_key_created", "security.api_key_used"]);
    let payload = &told(&app).await[0].payload;
    let expected = json!({ "tenant_id": w.tenant, "api_key_id": made.id(), "by": w.admin });
    assert_eq!(*payload, expected);
    app.stop().await;
}

async fn what_is_no_key_is_refused_like_any_bad_token(app: TestApp) {
    let w = World::new(&app, "lixo.example").await;
    let (_, key) = w.key(&app, json!({})).await;
    let flipped = if key.ends_with('A') { "B" } else { "A" };
    let almost = format!("{}{flipped}", key.get(..54).unwrap());
    for bad in [
        "mk_".to_owned(),
        "mk_x".to_owned(),
        key.to_uppercase(),
        key.get(..54).unwrap().to_owned(),
        format!("{key}A"),
        format!("{key}.{key}"),
        almost,
        format!("mk_{}", "A".repeat(5_000)),
        format!("mk_{}_{}", "A".repeat(8), "A".repeat(43)),
        format!("mk_{}_{}", "A".repeat(8), "'".repeat(43)),
    ] {
        is_refused(&app, &w, &bad).await;
        // On public routes a bad key is judged too.
        by(&app, &bad).get("/tenants/").await.expect(401);
    }
    works(&app, &w, &key).await;
    app.stop().await;
}

async fn the_shape_of_a_new_key_is_judged(app: TestApp) {
    let w = World::new(&app, "forma.example").await;
    let post = async |body: Value| w.admin(&app).post(&path(&w), body).await;
    invalid(post(json!({})).await, &["name", "scopes"]);
    let bad = json!({
        "name": "", "scopes": { "can_book": 1, "can_fly": true }, "expires_at": "amanhã", "id": "x",
    });
    let fields = ["expires_at", "id", "name", "scopes.can_book", "scopes.can_fly"];
    invalid(post(bad).await, &fields);
    invalid(post(json!({ "name": "x".repeat(101), "scopes": [] })).await, &["name", "scopes"]);
    let until =
        async |end: &str| post(json!({ "name": "x", "scopes": {}, "expires_at": end })).await;
    for past in ["2027-03-01T12:00:00Z", "2020-01-01T00:00:00Z", "2027-03-01T09:00:00"] {
        invalid(until(past).await, &["expires_at"]);
    }
    // Without an offset it is the tenant's local time, three hours behind.
    let local = until("2027-03-01T09:00:01").await.expect(201);
    assert_eq!(local.body["expires_at"], "2027-03-01T12:00:01Z");
    let far = until("9999-12-31T23:59:59Z").await.expect(201);
    assert_eq!(far.body["expires_at"], "9999-12-31T23:59:59Z");
    app.stop().await;
}

async fn a_key_expires_to_the_second(app: TestApp) {
    let w = World::new(&app, "prazo.example").await;
    let body = json!({ "name": "x", "scopes": {}, "expires_at": "2027-03-01T12:30:00Z" });
    let made = w.admin(&app).post(&path(&w), body).await.expect(201);
    let key = made.body["key"].as_str().unwrap();
    works(&app, &w, key).await;
    app.clock.advance(TimeDelta::seconds(1_799));
    works(&app, &w, key).await;
    app.clock.advance(TimeDelta::seconds(1));
    is_refused(&app, &w, key).await;
    app.stop().await;
}

async fn a_revoked_key_stops_at_once_and_for_good(app: TestApp) {
    let w = World::new(&app, "revoga.example").await;
    let (id, key) = w.key(&app, json!({})).await;
    let (_, stays) = w.key(&app, json!({})).await;
    works(&app, &w, &key).await;
    let one = format!("{}/{id}", path(&w));
    w.admin(&app).delete(&one).await.expect(204);
    app.settle().await;
    is_refused(&app, &w, &key).await;
    works(&app, &w, &stays).await;
    let seen = w.admin(&app).get(&one).await.expect(200);
    assert_eq!(seen.body["revoked_at"], "2027-03-01T12:00:00Z");
    app.clock.advance(TimeDelta::seconds(5));
    w.admin(&app).delete(&one).await.expect(204);
    assert_eq!(w.admin(&app).get(&one).await.expect(200).body, seen.body, "once is enough");
    let revoked: Vec<_> = told(&app).await;
    let revoked: Vec<_> =
        revoked.iter().filter(|event| event.event_type == "security.api_key_revoked").collect();
    assert_eq!(revoked.len(), 1);
    let payload = json!({ "tenant_id": w.tenant, "api_key_id": id, "by": w.admin });
    assert_eq!((&revoked[0].payload, revoked[0].metadata.aggregate_id.to_string()), (&payload, id));
    app.stop().await;
}

async fn its_use_is_noted_once_a_minute_and_told_once_an_hour(app: TestApp) {
    let w = World::new(&app, "uso.example").await;
    let (id, key) = w.key(&app, json!({})).await;
    let one = format!("{}/{id}", path(&w));
    let uses = async || {
        let events = told(&app).await;
        events.iter().filter(|event| event.event_type == "security.api_key_used").count()
    };
    for (wait, last, events) in [
        (0, "2027-03-01T12:00:00Z", 1),
        (59, "2027-03-01T12:00:00Z", 1),
        (1, "2027-03-01T12:01:00Z", 1),
        (120, "2027-03-01T12:03:00Z", 1),
        (3_419, "2027-03-01T12:59:59Z", 1),
        (1, "2027-03-01T12:59:59Z", 1),
        (60, "2027-03-01T13:01:00Z", 2),
    ] {
        app.clock.advance(TimeDelta::seconds(wait));
        // Asked as the services ask, whose own memory of the answer would hide the clock.
        let facts = app.platform.clients.api_key(&hash(&key)).await.unwrap().unwrap();
        assert!(facts.is_active && facts.id.to_string() == id);
        let token = crate::world::login(&app, &w.tenant, "ana@uso.example").await;
        let seen = by(&app, &token).get(&one).await.expect(200);
        assert_eq!((&seen.body["last_used_at"], uses().await), (&json!(last), events), "{wait}");
    }
    assert!(app.platform.clients.api_key(&hash("mk_")).await.unwrap().is_none());
    assert!(app.platform.clients.api_key("x").await.unwrap().is_none());
    app.stop().await;
}

async fn a_tenant_has_a_hundred_live_keys_at_most(app: TestApp) {
    let w = World::new(&app, "cem.example").await;
    let body = || json!({ "name": "x", "scopes": {}, "expires_at": "2027-03-01T12:10:00Z" });
    let mut first = String::new();
    for _ in 0..100 {
        first = w.admin(&app).post(&path(&w), body()).await.expect(201).id();
    }
    let full = "O tenant já tem 100 chaves de API ativas.";
    refused(w.admin(&app).post(&path(&w), body()).await, 400, "too_many_keys", full);
    w.admin(&app).delete(&format!("{}/{first}", path(&w))).await.expect(204);
    w.admin(&app).post(&path(&w), body()).await.expect(201);
    w.admin(&app).post(&path(&w), body()).await.expect(400);
    // What has expired counts no more.
    app.clock.advance(TimeDelta::minutes(10));
    w.admin(&app).post(&path(&w), json!({ "name": "x", "scopes": {} })).await.expect(201);
    app.stop().await;
}

async fn keys_are_listed_in_pages_by_age(app: TestApp) {
    let w = World::new(&app, "lista.example").await;
    let other = World::new(&app, "alheio.example").await;
    other.key(&app, json!({})).await;
    let mut made = Vec::new();
    for at in 0..5 {
        // Two of them at one moment.
        if at != 3 {
            app.clock.advance(TimeDelta::milliseconds(1));
        }
        made.push(w.key(&app, json!({})).await.0);
    }
    let mut found = Vec::new();
    let mut next = format!("{}?limit=2&count=true", path(&w));
    loop {
        let page = w.admin(&app).get(&next).await.expect(200);
        assert_eq!(page.header("x-total-count"), "5");
        found.extend(column(&page, "id"));
        let link = page.header("link").to_owned();
        let Some((_, rest)) = link.split_once("marca.test:8000") else { break };
        rest.split('>').next().unwrap().clone_into(&mut next);
    }
    assert_eq!(found, made);
    let forged = w.admin(&app).get(&format!("{}?cursor=x", path(&w))).await;
    invalid(forged, &["cursor"]);
    app.stop().await;
}

async fn keys_go_with_their_tenant_and_rest_with_it(app: TestApp) {
    let w = World::new(&app, "some.example").await;
    let (_, key) = w.key(&app, json!({})).await;
    works(&app, &w, &key).await;
    let (_, operator) = operator(&app, "olga@marca.example").await;
    let tenant = format!("/tenants/{}", w.tenant);
    for (active, fine) in [(false, false), (true, true)] {
        let edit = json!({ "is_active": active });
        by(&app, &operator).put(&tenant, edit).await.expect(200);
        app.settle().await;
        if fine { works(&app, &w, &key).await } else { is_refused(&app, &w, &key).await }
    }
    w.admin(&app).delete(&tenant).await.expect(204);
    app.settle().await;
    is_refused(&app, &w, &key).await;
    assert!(app.platform.clients.api_key(&hash(&key)).await.unwrap().is_none(), "the row is gone");
    app.stop().await;
}
