//! API keys: made, shown once, used by integrations, and taken back.

use chrono::TimeDelta;
use contracts::Service;
use contracts::event::Envelope;
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::app::{Answer, TestApp};

use crate::ask::{by, column, invalid, keys, refused, well_refused};
use crate::world::{World, operator, person};

testkit::on_both_engines!(crate::world::guarded =>
    a_key_is_shown_once_and_never_again,
    what_is_no_key_is_refused_like_any_bad_token,
    the_shape_of_a_new_key_is_judged,
    a_key_books_for_anyone_of_its_tenant_and_is_nobody,
    each_scope_opens_its_own_door_and_no_other,
    a_key_holds_no_power_over_passwords_or_keys,
    a_key_expires_to_the_second,
    a_revoked_key_stops_at_once_and_for_good,
    its_use_is_noted_once_a_minute_and_told_once_an_hour,
    a_tenant_has_a_hundred_live_keys_at_most,
    keys_are_listed_in_pages_by_age,
    keys_go_with_their_tenant_and_rest_with_it,
    other_tenants_and_strangers_see_nothing,
);

const BAD: &str = "Token inválido ou expirado.";
const NO: &str = "Você não tem permissão para esta operação.";

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

async fn a_key_books_for_anyone_of_its_tenant_and_is_nobody(app: TestApp) {
    let w = World::new(&app, "integra.example").await;
    let other = World::new(&app, "alheio.example").await;
    let (id, key) = w.key(&app, json!({ "can_book": true })).await;
    let book = async |user: &str, hour: u8, more: Value| {
        let (start, end) =
            (format!("2027-03-03T{hour}:00:00Z"), format!("2027-03-03T{}:00:00Z", hour + 1));
        let mut body = w.booking(&start, &end);
        body["user_id"] = json!(user);
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        by(&app, &key).post("/bookings/", body).await
    };
    let booking = book(&w.user, 13, json!({})).await.expect(201).id();
    assert_eq!(book(&w.admin, 14, json!({})).await.expect(201).body["user_id"], json!(w.admin));
    let stranger = book(&other.user, 15, json!({})).await;
    assert_eq!(stranger.status.as_u16(), 404, "{}", stranger.text);
    assert_eq!(book(&id, 15, json!({})).await.status.as_u16(), 404, "a key is no user");
    let abroad = book(&other.user, 15, json!({ "tenant_id": other.tenant })).await;
    assert_eq!(abroad.status.as_u16(), 403, "{}", abroad.text);
    well_refused(book(&w.user, 15, json!({ "status": "confirmado" })).await, 403, "forbidden");
    // It sees none of them: a key is nobody, so nothing is its own.
    for query in ["", "?count=true", &format!("?user_id={}", w.user), &format!("?user_id={id}")] {
        let list = by(&app, &key).get(&format!("/bookings/{query}")).await.expect(200);
        assert_eq!(list.body, json!([]), "{query}");
        assert!(matches!(list.header("x-total-count"), "" | "0"), "{query}");
    }
    let one = format!("/bookings/{booking}");
    well_refused(by(&app, &key).get(&one).await, 403, "forbidden");
    well_refused(by(&app, &key).put(&one, json!({ "notes": "x" })).await, 403, "forbidden");
    well_refused(
        by(&app, &key).patch(&format!("{one}/cancel"), Value::Null).await,
        403,
        "forbidden",
    );
    let me = by(&app, &key).get("/users/me").await;
    refused(me, 404, "not_found", "Usuário não encontrado");
    let self_by_id = by(&app, &key).get(&format!("/users/{id}")).await;
    refused(self_by_id, 404, "not_found", "Usuário não encontrado");
    // One that sees them all as well edits and cancels them, in its own name.
    let (id, key) = w.key(&app, json!({ "can_book": true, "can_view_all_bookings": true })).await;
    let list = by(&app, &key).get("/bookings/").await.expect(200);
    assert_eq!(column(&list, "user_id"), [w.user.clone(), w.admin.clone()]);
    by(&app, &key).put(&one, json!({ "notes": "x" })).await.expect(200);
    let done = by(&app, &key).patch(&format!("{one}/cancel"), Value::Null).await.expect(200);
    assert_eq!(done.body["cancelled_by"], json!(id));
    app.stop().await;
}

/// The four doors, one a permission, and who comes through.
async fn doors(app: &TestApp, w: &World, key: &str, at: usize) -> [bool; 4] {
    let (start, end) =
        (format!("2027-03-0{}T13:00:00Z", at + 3), format!("2027-03-0{}T14:00:00Z", at + 3));
    let category = json!({ "tenant_id": w.tenant, "name": format!("C{at}"), "type": "fisico" });
    let mut someone = person(&w.tenant, "Zé", &format!("ze{at}@portas.example"), "user");
    someone.as_object_mut().unwrap().remove("password");
    let answers = [
        by(app, key).post("/bookings/", w.booking(&start, &end)).await,
        by(app, key).post("/categories/", category).await,
        by(app, key).post("/users/", someone).await,
        by(app, key).get("/bookings/?count=true").await,
    ];
    let [book, resources, users, list] = answers;
    for answer in [&book, &resources, &users] {
        assert!(matches!(answer.status.as_u16(), 201 | 403), "{}", answer.text);
    }
    let sees = list.header("x-total-count") != "0";
    [book, resources, users]
        .map(|answer| answer.status == 201)
        .into_iter()
        .chain([sees])
        .collect::<Vec<_>>()
        .try_into()
        .unwrap()
}

async fn each_scope_opens_its_own_door_and_no_other(app: TestApp) {
    let w = World::new(&app, "portas.example").await;
    w.book(&app, "2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").await.expect(201);
    let scopes = ["can_book", "can_manage_resources", "can_manage_users", "can_view_all_bookings"];
    for (at, scope) in scopes.iter().enumerate() {
        let (_, key) = w.key(&app, json!({ *scope: true })).await;
        let mut expected = [false; 4];
        expected[at] = true;
        assert_eq!(doors(&app, &w, &key, at).await, expected, "{scope}");
    }
    let (_, none) = w.key(&app, json!({})).await;
    assert_eq!(doors(&app, &w, &none, 4).await, [false; 4]);
    app.stop().await;
}

async fn a_key_holds_no_power_over_passwords_or_keys(app: TestApp) {
    let w = World::new(&app, "poder.example").await;
    let all = json!({
        "can_book": true, "can_manage_resources": true, "can_manage_users": true,
        "can_view_all_bookings": true,
    });
    let (id, key) = w.key(&app, all).await;
    let user = format!("/users/{}", w.user);
    for body in [json!({ "password": "nova senha 9" }), json!({ "password": null })] {
        refused(by(&app, &key).put(&user, body).await, 403, "forbidden", NO);
    }
    let fresh = person(&w.tenant, "Nova", "nova@poder.example", "user");
    refused(by(&app, &key).post("/users/", fresh).await, 403, "forbidden", NO);
    let admin = json!({ "user_type": "admin" });
    refused(by(&app, &key).put(&user, admin).await, 403, "forbidden", NO);
    let ana = format!("/users/{}", w.admin);
    refused(by(&app, &key).put(&ana, json!({ "name": "x" })).await, 403, "forbidden", NO);
    refused(by(&app, &key).delete(&user).await, 403, "forbidden", NO);
    let more = json!({ "name": "x", "scopes": {} });
    refused(by(&app, &key).post(&path(&w), more).await, 403, "forbidden", NO);
    for method in [Method::GET, Method::DELETE] {
        let one = format!("{}/{id}", path(&w));
        let answer = app.call(method, &one, &key, Value::Null).await;
        refused(answer, 403, "forbidden", NO);
    }
    refused(by(&app, &key).get(&path(&w)).await, 403, "forbidden", NO);
    let act = json!({ "user_id": w.user, "reason": "chamado" });
    refused(by(&app, &key).post("/auth/impersonate", act).await, 403, "forbidden", NO);
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
        next = rest.split('>').next().unwrap().to_owned();
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

async fn other_tenants_and_strangers_see_nothing(app: TestApp) {
    let w = World::new(&app, "meu.example").await;
    let other = World::new(&app, "alheio.example").await;
    let (id, _) = w.key(&app, json!({})).await;
    let foreign = "A requisição se refere a outro tenant.";
    let body = || json!({ "name": "x", "scopes": {} });
    refused(other.admin(&app).get(&path(&w)).await, 403, "forbidden", foreign);
    refused(other.admin(&app).post(&path(&w), body()).await, 403, "forbidden", foreign);
    let missing = "/tenants/00000000-0000-7000-8000-000000000000/api-keys";
    let gone = other.admin(&app).get(missing).await;
    refused(gone, 404, "not_found", "Tenant não encontrado");
    for (path, status, message) in [
        (format!("{}/{id}", path(&w)), 403, foreign),
        (format!("{}/{id}", path(&other)), 404, "Chave de API não encontrada"),
    ] {
        let code = if status == 403 { "forbidden" } else { "not_found" };
        refused(other.admin(&app).get(&path).await, status, code, message);
        refused(other.admin(&app).delete(&path).await, status, code, message);
    }
    invalid(w.admin(&app).get(&format!("{}/x", path(&w))).await, &["key_id"]);
    invalid(w.admin(&app).get("/tenants/x/api-keys").await, &["id"]);
    assert!(w.admin(&app).get(&path(&w)).await.expect(200).body[0]["revoked_at"].is_null());
    // Nothing of one tenant's keys opens anything of another's.
    let (_, key) = other.key(&app, json!({ "can_manage_users": true })).await;
    refused(
        by(&app, &key).get(&format!("/users/{}", w.user)).await,
        404,
        "not_found",
        "Usuário não encontrado",
    );
    by(&app, &key).get(&format!("/resources/{}", w.resource)).await.expect(404);
    by(&app, &key).get(&format!("/tenants/{}/settings", w.tenant)).await.expect(403);
    app.stop().await;
}
