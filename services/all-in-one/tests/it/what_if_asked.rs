//! `POST /tenants/{id}/settings/preview`: who may ask, for what, and how much is answered at once.

use chrono::{DateTime, Utc};
use contracts::Service;
use serde_json::{Value, json};
use testkit::app::TestApp;
use uuid::Uuid;

use crate::ask::{by, invalid, refused};
use crate::exceptions::except;
use crate::what_if::{DAYS, booked, broken, count, path, preview, text};
use crate::world::{World, twin};

testkit::on_both_engines!(crate::world::guarded =>
    previews_are_for_admins_and_sound_settings,
    where_it_looks_can_be_narrowed,
    many_resources_come_in_pages,
    too_much_for_one_answer_is_said_to_be,
    without_bookings_nothing_is_said_to_stay,
    bookings_are_told_to_neighbours_from_a_place_on,
);

async fn previews_are_for_admins_and_sound_settings(app: TestApp) {
    let w = World::new(&app, "quem.example").await;
    let other = World::new(&app, "outro.example").await;
    let (settings, good) = (format!("/tenants/{}/settings", w.tenant), json!({ "settings": {} }));
    by(&app, "").post(&path(&w), good.clone()).await.expect(401);
    let nowhere = "/tenants/00000000-0000-7000-8000-000000000000/settings/preview";
    let unknown = w.admin(&app).post(nowhere, good.clone()).await;
    refused(unknown, 404, "not_found", "Configurações não encontradas");
    // Each is refused as the change itself is.
    for who in [w.user(&app), other.admin(&app)] {
        let change = who.put(&settings, json!({})).await.expect(403);
        refused(who.post(&path(&w), good.clone()).await, 403, change.code(), change.message());
    }
    let bad = json!({
        "timezone": "Mars/Base", "booking_interval": 1, "working_hours_start": null, "x": 1,
        "booking_policy": { "min_notice_minutes": -1 },
    });
    let change = w.admin(&app).put(&settings, bad.clone()).await.expect(422);
    let told = w.admin(&app).post(&path(&w), json!({ "settings": bad, "from": 1 })).await;
    let told = told.expect(422);
    let mut faults = told.body["fields"].as_array().unwrap().clone();
    assert_eq!(faults.remove(0)["path"], "from");
    for fault in &mut faults {
        let path = text(&fault["path"]);
        fault["path"] = json!(path.strip_prefix("settings.").unwrap());
    }
    assert_eq!(json!(faults), change.body["fields"]);
    let admin = w.admin(&app);
    let ask = async |body: Value| admin.post(&path(&w), body).await;
    invalid(ask(json!({})).await, &["settings"]);
    invalid(ask(json!({ "settings": [] })).await, &["settings"]);
    invalid(ask(json!({ "settings": {}, "cursor": "x" })).await, &["cursor"]);
    let text = "Horário final deve ser maior que o inicial.";
    // A time that is past is now.
    for (from, to) in [("2027-03-04", "2027-03-04"), ("2027-02-01", "2027-02-20")] {
        let answer = ask(json!({ "settings": {}, "from": from, "to": to })).await;
        refused(answer, 400, "end_before_start", text);
    }
    let wide = ask(json!({ "settings": {}, "from": "2027-03-02", "to": "2027-04-03" })).await;
    let text = "Simulações limitadas a um período de 31 dias.";
    assert_eq!(refused(wide, 400, "period_too_long", text).body["limit"], 31);
    ask(json!({ "settings": {}, "from": "2027-03-02", "to": "2027-04-02" })).await.expect(200);
    ask(json!({ "settings": {}, "from": "9999-12-30T12:00:00Z" })).await.expect(400);
    ask(json!({ "settings": {}, "from": "9999-12-20T12:00:00Z" })).await.expect(200);
    app.stop().await;
}

async fn where_it_looks_can_be_narrowed(app: TestApp) {
    let w = World::new(&app, "recorte.example").await;
    let other = World::new(&app, "alheio.example").await;
    let second = w.room(&app, "Sala 2").await;
    let kind = json!({ "tenant_id": w.tenant, "name": "Vazia", "type": "fisico" });
    let empty = w.admin(&app).post("/categories/", kind).await.expect(201).id();
    booked(&app, &w, "2027-03-02", "06:00", "07:00").await;
    booked(&app, &other, "2027-03-02", "06:00", "07:00").await;
    app.settle().await;
    let admin = w.admin(&app);
    let ask = async |part: Value| {
        let mut body = json!({
            "settings": { "working_hours_start": "07:00" }, "from": DAYS.0, "to": DAYS.1,
        });
        body.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        admin.post(&path(&w), body).await
    };
    for (part, resources, broken_count, vanish) in [
        (json!({}), 2, 1, 5),
        (json!({ "resource_ids": [w.resource, w.resource] }), 1, 1, 2),
        (json!({ "resource_ids": [second] }), 1, 0, 3),
        (json!({ "resource_ids": [] }), 0, 0, 0),
        (json!({ "category_id": w.category }), 2, 1, 5),
        (json!({ "category_id": empty }), 0, 0, 0),
        (json!({ "from": "2027-03-02T06:30:00" }), 2, 0, 4),
    ] {
        let answer = ask(part.clone()).await.expect(200);
        let counted = (&answer.body["resources"], broken(&answer).len());
        assert_eq!(counted, (&json!(resources), broken_count), "{part}");
        assert_eq!(count(&answer, "slots", "vanish_count"), vanish, "{part}");
    }
    // What is another tenant's is not there.
    for id in ["00000000-0000-7000-8000-000000000000", &other.resource] {
        let answer = ask(json!({ "resource_ids": [w.resource, id] })).await;
        refused(answer, 404, "not_found", "Recurso não encontrado");
    }
    for id in ["00000000-0000-7000-8000-000000000000", &other.category] {
        let answer = ask(json!({ "category_id": id })).await;
        refused(answer, 404, "not_found", "Categoria não encontrada");
    }
    app.stop().await;
}

async fn many_resources_come_in_pages(app: TestApp) {
    let w = World::new(&app, "paginas2.example").await;
    for number in 0..201 {
        w.room(&app, &format!("Sala {number:03}")).await;
    }
    app.settle().await;
    let mut body = json!({
        "settings": { "working_hours_start": "20:00" }, "from": "2027-03-02", "to": "2027-03-03",
    });
    let (mut pages, mut resources, mut vanish) = (0, 0, 0);
    loop {
        let answer = w.admin(&app).post(&path(&w), body.clone()).await.expect(200);
        pages += 1;
        resources += answer.body["resources"].as_u64().unwrap();
        vanish += count(&answer, "slots", "vanish_count");
        let Some(cursor) = answer.body["next_cursor"].as_str() else { break };
        body["cursor"] = json!(cursor);
    }
    assert_eq!((pages, resources, vanish), (2, 202, 202 * 14));
    app.stop().await;
}

/// 20,001 exceptions are one too many; they are written past the service, which allows a level 2,000.
async fn too_much_for_one_answer_is_said_to_be(app: TestApp) {
    let w = World::new(&app, "demais.example").await;
    except(&app, &w, "holiday", "2027-03-02", json!({ "reason": "x" })).await.expect(201);
    let postgres = app.platform.settings.database(Service::Resource).starts_with("postgres");
    let id = if postgres { "gen_random_uuid()" } else { "randomblob(16)" };
    let copies = |from: u32, to: u32| {
        let columns = "tenant_id, category_id, resource_id, level, kind, start_date, end_date, \
                       yearly, ranges, reason, version, created_at, updated_at";
        format!(
            "WITH RECURSIVE numbers (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM numbers \
             WHERE i < {to}) INSERT INTO calendar_exception (id, {columns}) SELECT {id}, {columns} \
             FROM numbers CROSS JOIN (SELECT * FROM calendar_exception LIMIT 1) one"
        )
    };
    app.execute(Service::Resource, &copies(1, 19_999)).await;
    preview(&app, &w, json!({})).await.expect(200);
    app.execute(Service::Resource, &copies(20_000, 20_000)).await;
    let text = "Há dados demais para uma simulação; escolha menos recursos ou um período menor.";
    refused(preview(&app, &w, json!({})).await, 400, "preview_too_large", text);
    app.stop().await;
}

async fn without_bookings_nothing_is_said_to_stay(app: TestApp) {
    let w = World::new(&app, "mudo.example").await;
    let cold = twin(&app, &[]).await;
    preview(&cold, &w, json!({})).await.expect(200);
    let services = cold.running.services();
    let booking = services.iter().find(|found| found.name == Service::Booking).unwrap();
    booking.database.clone().close().await;
    preview(&cold, &w, json!({})).await.expect(503);
    cold.stop().await;
    app.stop().await;
}

/// The pages between services are long; here one begins behind each booking in turn.
async fn bookings_are_told_to_neighbours_from_a_place_on(app: TestApp) {
    let w = World::new(&app, "vizinho.example").await;
    let other = World::new(&app, "longe2.example").await;
    let policy = json!({ "booking_policy": { "buffer_before_minutes": 30 } });
    w.admin(&app).put(&format!("/resources/{}", w.resource), policy).await.expect(200);
    app.settle().await;
    let mut ids = Vec::new();
    for (from, to) in [("06:00", "07:00"), ("10:00", "12:00"), ("14:00", "15:00")] {
        ids.push(booked(&app, &w, "2027-03-02", from, to).await);
    }
    let id = |text: &str| Uuid::parse_str(text).unwrap();
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let day = (at("2027-03-02T00:00:00Z"), at("2027-03-03T00:00:00Z"));
    let rooms = [id(&w.resource)];
    let clients = &app.platform.clients;
    let all = clients.bookings_batch(id(&w.tenant), &rooms, day, None).await.unwrap();
    assert_eq!((all.next.as_deref(), all.resources.len()), (None, 1));
    let rows = &all.resources[0].bookings;
    assert_eq!(rows.iter().map(|row| row.id.to_string()).collect::<Vec<_>>(), ids);
    // Its own time, and what it claims with the room before it.
    assert_eq!(rows[1].start, at("2027-03-02T13:00:00Z").timestamp());
    assert_eq!(rows[1].claim.0, at("2027-03-02T12:30:00Z").timestamp());
    assert!(!rows[1].is_hold());
    for (place, row) in rows.iter().enumerate() {
        let start = DateTime::<Utc>::from_timestamp(row.claim.0, 0).unwrap();
        let key = json!({ "resource": w.resource, "start": start, "id": row.id });
        let cursor = contracts::page::encode_cursor(&key);
        let rest = clients.bookings_batch(id(&w.tenant), &rooms, day, Some(&cursor)).await;
        let rest: Vec<_> = rest.unwrap().resources.into_iter().flat_map(|it| it.bookings).collect();
        assert_eq!(rest, rows[place + 1..]);
    }
    // The tenant is part of the question.
    let none = clients.bookings_batch(id(&other.tenant), &rooms, day, None).await.unwrap();
    assert_eq!(none.resources, []);
    app.stop().await;
}
