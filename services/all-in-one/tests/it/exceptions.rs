//! Date overrides and closures: their routes. What each does to a day is in `closures.rs`.

use common::db::Scope;
use contracts::Service;
use contracts::event::Envelope;
use http::Method;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{by, column, invalid, keys, refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    an_exception_is_made_read_changed_and_deleted,
    whoever_manages_resources_writes_and_every_user_reads,
    the_whole_is_judged,
    lists_go_by_date,
    exceptions_go_with_what_they_are_of,
);

pub(crate) const TUESDAY: &str = "2027-03-02";

/// The body of an exception of the whole tenant.
fn exception(w: &World, kind: &str, date: &str, more: &Value) -> Value {
    let body = json!({
        "tenant_id": w.tenant, "level": "tenant", "kind": kind, "start_date": date,
    });
    contracts::form::merge(&body, more, &[])
}

pub(crate) async fn except(
    app: &TestApp,
    w: &World,
    kind: &str,
    date: &str,
    more: Value,
) -> Answer {
    w.admin(app).post("/exceptions/", exception(w, kind, date, &more)).await
}

pub(crate) fn of_resource(w: &World) -> Value {
    json!({ "level": "resource", "resource_id": w.resource })
}

pub(crate) fn of_category(w: &World) -> Value {
    json!({ "level": "category", "category_id": w.category })
}

pub(crate) fn with(mut base: Value, more: &Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

/// The events of exceptions so far.
async fn events(app: &TestApp) -> Vec<Envelope> {
    let mut events = app.events(Service::Resource).await;
    events.retain(|event| event.event_type == "exception.changed");
    events
}

async fn an_exception_is_made_read_changed_and_deleted(app: TestApp) {
    let w = World::new(&app, "feriados.example").await;
    let made = except(&app, &w, "holiday", "2027-03-03", json!({ "reason": "Dia da cidade" }));
    let made = made.await.expect(201);
    let all = [
        "category_id",
        "created_at",
        "end_date",
        "id",
        "kind",
        "level",
        "ranges",
        "reason",
        "resource_id",
        "start_date",
        "tenant_id",
        "updated_at",
        "version",
        "yearly",
    ];
    assert_eq!(keys(&made.body), all);
    assert_eq!(made.body["end_date"], "2027-03-03");
    assert_eq!((&made.body["version"], &made.body["yearly"]), (&json!(1), &json!(false)));
    assert_eq!(made.body["ranges"], json!([]));
    let path = format!("/exceptions/{}", made.id());
    assert_eq!(w.user(&app).get(&path).await.expect(200).body, made.body);
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let edit = json!({ "kind": "closure", "ranges": ["08:00-12:00"], "end_date": "2027-03-04" });
    let edited = w.admin(&app).put(&path, edit.clone()).await.expect(200).body;
    assert_eq!((&edited["version"], &edited["reason"]), (&json!(2), &json!("Dia da cidade")));
    assert_eq!(edited["created_at"], made.body["created_at"]);
    assert_ne!(edited["updated_at"], made.body["updated_at"]);
    assert_eq!(w.admin(&app).put(&path, edit).await.expect(200).body, edited, "nothing changed");
    // It may become another's, and nobody's any more.
    let moved = with(of_resource(&w), &json!({ "ranges": null }));
    let moved = w.admin(&app).put(&path, moved).await.expect(200).body;
    assert_eq!((&moved["level"], &moved["ranges"]), (&json!("resource"), &json!([])));
    w.admin(&app).delete(&path).await.expect(204);
    let gone = "Exceção não encontrada";
    refused(w.admin(&app).get(&path).await, 404, "not_found", gone);
    refused(w.admin(&app).put(&path, json!({})).await, 404, "not_found", gone);
    refused(w.admin(&app).delete(&path).await, 404, "not_found", gone);
    let events = events(&app).await;
    let sequence: Vec<i64> = events.iter().map(|event| event.metadata.sequence).collect();
    assert_eq!(sequence, [1, 2, 3, 4], "one event each, and none for what changed nothing");
    for event in events {
        assert_eq!(event.metadata.aggregate_id.to_string(), made.id());
        assert_eq!(event.payload, json!({ "tenant_id": w.tenant, "exception_id": made.id() }));
    }
    app.stop().await;
}

async fn whoever_manages_resources_writes_and_every_user_reads(app: TestApp) {
    let w = World::new(&app, "quem.example").await;
    let other = World::new(&app, "alheio.example").await;
    let id = except(&app, &w, "holiday", TUESDAY, json!({})).await.expect(201).id();
    let path = format!("/exceptions/{id}");
    w.user(&app).get(&path).await.expect(200);
    let body = exception(&w, "holiday", TUESDAY, &json!({}));
    w.user(&app).post("/exceptions/", body.clone()).await.expect(403);
    w.user(&app).put(&path, json!({ "reason": "x" })).await.expect(403);
    w.user(&app).delete(&path).await.expect(403);
    let (_, manager) = w.join(&app, "gil", "user", json!({ "can_manage_resources": true })).await;
    by(&app, &manager).put(&path, json!({ "reason": "x" })).await.expect(200);
    by(&app, &manager).post("/exceptions/", body.clone()).await.expect(201);
    // Another tenant's is as if it were not there.
    for answer in [
        other.admin(&app).get(&path).await,
        other.admin(&app).put(&path, json!({ "reason": "y" })).await,
        other.admin(&app).delete(&path).await,
    ] {
        refused(answer, 404, "not_found", "Exceção não encontrada");
    }
    other.admin(&app).post("/exceptions/", body).await.expect(403);
    let strange = json!({ "level": "resource", "resource_id": w.resource });
    let strange =
        other.admin(&app).post("/exceptions/", exception(&other, "closure", TUESDAY, &strange));
    refused(strange.await, 404, "not_found", "Recurso não encontrado");
    let strange = json!({ "level": "category", "category_id": w.category });
    let strange =
        other.admin(&app).post("/exceptions/", exception(&other, "closure", TUESDAY, &strange));
    refused(strange.await, 404, "not_found", "Categoria não encontrada");
    let list = other.admin(&app).get("/exceptions/").await.expect(200);
    assert_eq!(list.body, json!([]));
    other.admin(&app).get(&format!("/exceptions/?tenant_id={}", w.tenant)).await.expect(403);
    let taken = json!({ "tenant_id": other.tenant });
    w.admin(&app).put(&path, taken).await.expect(403);
    app.stop().await;
}

async fn the_whole_is_judged(app: TestApp) {
    let w = World::new(&app, "julga.example").await;
    let bad: [(Value, &[&str]); 8] = [
        (json!({ "kind": "party", "level": "world" }), &["kind", "level"]),
        (json!({ "level": "resource" }), &["resource_id"]),
        (json!({ "level": "category", "resource_id": w.resource }), &["category_id"]),
        (json!({ "resource_id": w.resource }), &["resource_id"]),
        (json!({ "end_date": "2027-03-01" }), &["end_date"]),
        (json!({ "end_date": "2028-03-02" }), &["end_date"]),
        (json!({ "start_date": "02/03/2027", "yearly": "no" }), &["start_date", "yearly"]),
        (
            json!({ "ranges": ["12:00-08:00", "8-9", "08:00-24:00"], "colour": 1 }),
            &["colour", "ranges[0]", "ranges[1]"],
        ),
    ];
    for (more, fields) in bad {
        invalid(except(&app, &w, "closure", TUESDAY, more).await, fields);
    }
    let year = json!({ "end_date": "2028-03-01" });
    let id = except(&app, &w, "closure", TUESDAY, year).await.expect(201).id();
    let path = format!("/exceptions/{id}");
    invalid(w.admin(&app).put(&path, json!({ "start_date": "2028-03-02" })).await, &["end_date"]);
    invalid(w.admin(&app).put(&path, json!({ "level": "resource" })).await, &["resource_id"]);
    invalid(w.admin(&app).put(&path, json!({ "start_date": null })).await, &["start_date"]);
    let missing = json!({ "level": "resource", "resource_id": w.tenant });
    refused(w.admin(&app).put(&path, missing).await, 404, "not_found", "Recurso não encontrado");
    let kept = w.admin(&app).get(&path).await.expect(200).body;
    assert_eq!((&kept["start_date"], &kept["version"]), (&json!(TUESDAY), &json!(1)));
    app.stop().await;
}

async fn lists_go_by_date(app: TestApp) {
    let w = World::new(&app, "lista.example").await;
    for (date, more) in [
        ("2027-05-01", json!({ "reason": "b" })),
        ("2027-04-21", with(of_resource(&w), &json!({ "reason": "a" }))),
        ("2027-12-31", json!({ "reason": "d", "end_date": "2028-01-02" })),
        ("2027-05-01", with(of_category(&w), &json!({ "reason": "c" }))),
        ("2020-12-25", json!({ "reason": "e", "yearly": true })),
    ] {
        except(&app, &w, "holiday", date, more).await.expect(201);
    }
    let list = async |query: &str| {
        let answer = w.user(&app).get(&format!("/exceptions/{query}")).await.expect(200);
        column(&answer, "reason").concat()
    };
    assert_eq!(list("").await, "eabcd");
    assert_eq!(list("?level=tenant").await, "ebd");
    assert_eq!(list(&format!("?resource_id={}", w.resource)).await, "a");
    assert_eq!(list(&format!("?category_id={}&level=category", w.category)).await, "c");
    assert_eq!(list("?from=2027-05-01").await, "ebcd");
    assert_eq!(list("?from=2028-01-02&to=2028-01-02").await, "ed", "yearly ones come always");
    assert_eq!(list("?from=2027-04-21&to=2027-04-30").await, "ea");
    invalid(w.user(&app).get("/exceptions/?from=soon&level=world").await, &["from", "level"]);
    let (mut next, mut seen) = ("/exceptions/?limit=2&count=true".to_owned(), String::new());
    loop {
        let page = w.user(&app).get(&next).await.expect(200);
        assert_eq!(page.header("x-total-count"), "5");
        seen.push_str(&column(&page, "reason").concat());
        let link = page.header("link");
        let Some(rest) = link.strip_prefix("<http://marca.test:8000") else { break };
        rest.split('>').next().unwrap().clone_into(&mut next);
    }
    assert_eq!(seen, "eabcd");
    app.stop().await;
}

async fn exceptions_go_with_what_they_are_of(app: TestApp) {
    let w = World::new(&app, "some.example").await;
    let room = w.room(&app, "Sala 2").await;
    let of_room = json!({ "level": "resource", "resource_id": room });
    except(&app, &w, "closure", TUESDAY, of_room).await.expect(201);
    let made = except(&app, &w, "closure", TUESDAY, json!({})).await.expect(201).id();
    w.admin(&app).delete(&format!("/resources/{room}")).await.expect(204);
    let list = w.user(&app).get("/exceptions/").await.expect(200);
    assert_eq!(column(&list, "id"), [made]);
    let token = w.admin_token.clone();
    let path = format!("/tenants/{}", w.tenant);
    app.call(Method::DELETE, &path, &token, Value::Null).await.expect(204);
    app.settle().await;
    let found = app.running.services().iter().find(|found| found.name == Service::Resource);
    let conn = found.unwrap().database.read(Scope::All);
    let sql = "SELECT id FROM calendar_exception";
    let statement = Statement::from_string(conn.get_database_backend(), sql);
    assert_eq!(conn.query_all_raw(statement).await.unwrap().len(), 0, "nothing was left");
    app.stop().await;
}
