//! §5: resources, and both forms of a schedule.

use contracts::Service;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, column, invalid, keys, names, refused, well_refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    a_new_resource_nests_its_category,
    every_bad_field_is_named_at_once,
    bad_schedules_name_every_place,
    both_forms_of_a_schedule_mean_the_same,
    edits_are_partial_and_told_once,
    lists_are_by_name_and_narrowed,
    managers_write_and_everyone_reads,
);

const LOST: &str = "Recurso não encontrado";

fn resource(w: &World, name: &str) -> Value {
    json!({ "tenant_id": w.tenant, "category_id": w.category, "name": name })
}

async fn a_new_resource_nests_its_category(app: TestApp) {
    let w = World::new(&app, "novo.example").await;
    let other = World::new(&app, "alheio.example").await;
    let made = w.admin(&app).post("/resources/", resource(&w, "Sala 2")).await.expect(201);
    assert_eq!(
        keys(&made.body),
        [
            "attributes",
            "availability_schedule",
            "booking_policy",
            "capacity",
            "category",
            "category_id",
            "created_at",
            "description",
            "id",
            "image_url",
            "location",
            "name",
            "status",
            "tenant_id",
            "updated_at",
        ]
    );
    let category = w.user(&app).get(&format!("/categories/{}", w.category)).await.expect(200);
    assert_eq!(made.body["category"], category.body);
    for (name, value) in [
        ("status", json!("disponivel")),
        ("capacity", json!(1)),
        ("attributes", json!({})),
        ("availability_schedule", json!({})),
    ] {
        assert_eq!(made.body[name], value, "{name}");
    }
    let read = w.user(&app).get(&format!("/resources/{}", made.id())).await.expect(200);
    assert_eq!(read.body, made.body);
    let mut foreign = resource(&w, "x");
    foreign["category_id"] = json!(other.category);
    let answer = w.admin(&app).post("/resources/", foreign).await;
    refused(answer, 404, "not_found", "Categoria não encontrada");
    let edit = json!({ "category_id": other.category });
    let answer = w.admin(&app).put(&format!("/resources/{}", made.id()), edit).await;
    refused(answer, 404, "not_found", "Categoria não encontrada");
    app.stop().await;
}

async fn every_bad_field_is_named_at_once(app: TestApp) {
    let w = World::new(&app, "ruim.example").await;
    let admin = w.admin(&app);
    invalid(admin.post("/resources/", json!({})).await, &["category_id", "name", "tenant_id"]);
    let body = json!({
        "tenant_id": "x", "category_id": 7, "name": " ", "description": [], "location": "l".repeat(201),
        "image_url": "data:image/png;base64,xx", "status": "livre", "capacity": 0, "attributes": [],
        "availability_schedule": "sempre", "category": {},
    });
    invalid(
        admin.post("/resources/", body).await,
        &[
            "attributes",
            "availability_schedule",
            "capacity",
            "category",
            "category_id",
            "description",
            "image_url",
            "location",
            "name",
            "status",
            "tenant_id",
        ],
    );
    for capacity in [json!(-1), json!(1.5), json!("2"), Value::Null] {
        let mut body = resource(&w, "x");
        body["capacity"] = capacity;
        invalid(admin.post("/resources/", body).await, &["capacity"]);
    }
    app.stop().await;
}

async fn bad_schedules_name_every_place(app: TestApp) {
    let w = World::new(&app, "torta.example").await;
    for (schedule, places) in [
        (json!({ "segunda": ["08:00-12:00"] }), vec![".segunda"]),
        (json!({ "Monday": ["08:00-12:00"] }), vec![".Monday"]),
        (
            json!({ "monday": "08:00-12:00", "friday": ["8-12", "08:00-12:00", "12:00-08:00", "09:00-09:00", 7] }),
            vec![".friday[0]", ".friday[2]", ".friday[3]", ".friday[4]", ".monday"],
        ),
        (json!({ "schedule": {} }), vec![".schedule"]),
        (json!({ "schedule": [], "monday": [] }), vec![".monday"]),
        (
            json!({ "schedule": [
            { "day_of_week": 7, "start_time": "09:00", "end_time": "18:00" },
            { "day_of_week": 0, "start_time": "9h", "end_time": "08:00" },
            { "day_of_week": 0, "start_time": "10:00", "end_time": "09:00" },
            { "start_time": "10:00" },
            "x",
        ] }),
            vec![
                ".schedule[0].day_of_week",
                ".schedule[1].start_time",
                ".schedule[2].end_time",
                ".schedule[3].day_of_week",
                ".schedule[3].end_time",
                ".schedule[4]",
            ],
        ),
        (
            json!({ "schedule": [{ "day_of_week": 0, "start_time": "09:00", "end_time": "18:00", "x": 1 }] }),
            vec![".schedule[0].x"],
        ),
    ] {
        let places: Vec<String> =
            places.iter().map(|place| format!("availability_schedule{place}")).collect();
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        let mut body = resource(&w, "x");
        body["availability_schedule"] = schedule.clone();
        invalid(w.admin(&app).post("/resources/", body).await, &places);
        let edit = json!({ "name": "y", "availability_schedule": schedule });
        invalid(w.admin(&app).put(&format!("/resources/{}", w.resource), edit).await, &places);
    }
    let kept = w.user(&app).get(&format!("/resources/{}", w.resource)).await.expect(200);
    assert_eq!(
        (&kept.body["availability_schedule"], &kept.body["name"]),
        (&json!({}), &json!("Sala 1 - Spinning"))
    );
    app.stop().await;
}

/// Tuesday 2 to Monday 8 March: by map, by list, and with overlaps and ranges beyond the hours.
async fn both_forms_of_a_schedule_mean_the_same(app: TestApp) {
    let w = World::new(&app, "formas.example").await;
    let item = |day: u8, start: &str, end: &str| json!({ "day_of_week": day, "start_time": start, "end_time": end });
    let forms = [
        json!({ "tuesday": ["08:00-12:00", "14:00-18:00"], "sunday": ["06:00-07:00"], "monday": [] }),
        json!({ "schedule": [item(6, "06:00", "07:00"), item(1, "14:00", "18:00"), item(1, "08:00", "12:00")] }),
        json!({ "tuesday": ["10:00-12:00", "08:00-11:00", "14:00-18:00"], "sunday": ["00:00-07:00:00"] }),
    ];
    let path = format!("/resources/{}", w.resource);
    let expected = [8, 0, 0, 0, 0, 1, 0];
    let mut seen: Vec<Vec<Vec<String>>> = Vec::new();
    for form in forms {
        w.admin(&app).put(&path, json!({ "availability_schedule": form })).await.expect(200);
        app.settle().await;
        let mut week = Vec::new();
        for day in 2..=8 {
            week.push(w.starts(&app, &format!("2027-03-{day:02}")).await);
        }
        assert_eq!(week.iter().map(Vec::len).collect::<Vec<_>>(), expected, "{form}");
        let read = w.user(&app).get(&path).await.expect(200);
        assert_eq!(read.body["availability_schedule"], form, "given back as it was written");
        seen.push(week);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
    // A named week without a range is closed; an empty schedule is always open.
    for (form, slots) in [(json!({ "monday": [] }), 0), (json!({}), 16)] {
        w.admin(&app).put(&path, json!({ "availability_schedule": form })).await.expect(200);
        app.settle().await;
        assert_eq!(w.starts(&app, "2027-03-02").await.len(), slots, "{form}");
    }
    app.stop().await;
}

async fn edits_are_partial_and_told_once(app: TestApp) {
    let w = World::new(&app, "edita.example").await;
    let (admin, path) = (w.admin(&app), format!("/resources/{}", w.resource));
    let before = admin.get(&path).await.expect(200).body;
    app.clock.advance(chrono::Duration::seconds(6));
    let edit = json!({ "location": "2º piso", "attributes": { "cor": "azul" } });
    let mut expected = before.clone();
    expected["location"] = json!("2º piso");
    expected["attributes"] = json!({ "cor": "azul" });
    expected["updated_at"] = json!("2027-03-01T12:00:06Z");
    assert_eq!(admin.put(&path, edit.clone()).await.expect(200).body, expected);
    assert_eq!(admin.put(&path, edit).await.expect(200).body, expected);
    let bad = json!({ "name": null, "capacity": 0, "location": "novo", "x": 1 });
    invalid(admin.put(&path, bad).await, &["capacity", "name", "x"]);
    assert_eq!(admin.get(&path).await.expect(200).body, expected);
    admin.delete(&path).await.expect(204);
    refused(admin.get(&path).await, 404, "not_found", LOST);
    refused(admin.put(&path, json!({})).await, 404, "not_found", LOST);
    refused(admin.delete(&path).await, 404, "not_found", LOST);
    let events = app.events(Service::Resource).await;
    assert_eq!(names(&events), ["resource.updated", "resource.deleted"]);
    let payload = json!({ "tenant_id": w.tenant, "resource_id": w.resource });
    assert!(events.iter().all(|event| event.payload == payload));
    app.stop().await;
}

async fn lists_are_by_name_and_narrowed(app: TestApp) {
    let w = World::new(&app, "lista.example").await;
    let admin = w.admin(&app);
    let people = json!({ "tenant_id": w.tenant, "name": "Gente", "type": "humano" });
    let people = admin.post("/categories/", people).await.expect(201).id();
    for (name, category, status, attributes) in [
        ("quadra", &w.category, "manutencao", json!({ "piso": 2, "cor": "azul", "a.b": true })),
        ("Bia", &people, "disponivel", json!({ "piso": 2.5, "cor": "Azul" })),
        ("Ávila", &people, "indisponivel", json!({ "piso": "2", "cor": "azul escuro" })),
    ] {
        let mut body = resource(&w, name);
        (body["category_id"], body["status"], body["attributes"]) =
            (json!(category), json!(status), attributes);
        body["description"] = json!(format!("Descrição de {name}"));
        admin.post("/resources/", body).await.expect(201);
    }
    let first = "Sala 1 - Spinning";
    for (query, found) in [
        (format!("tenant_id={}&category_id={}", w.tenant, w.category), vec!["quadra", first]),
        ("status=disponivel".to_owned(), vec!["Bia", first]),
        ("search=DESCRI%C3%87%C3%83O".to_owned(), vec!["Ávila", "Bia", "quadra"]),
        ("attributes.piso=2".to_owned(), vec!["Ávila", "quadra"]),
        ("attributes.cor=azul&attributes.piso=2".to_owned(), vec!["quadra"]),
        ("attributes.cor=Azul".to_owned(), vec!["Bia"]),
        ("attributes.a.b=true".to_owned(), vec!["quadra"]),
        ("attributes.nada=".to_owned(), vec![]),
        ("attributes.%27%20OR%201=1".to_owned(), vec![]),
    ] {
        let list = w.user(&app).get(&format!("/resources/?{query}")).await.expect(200);
        let (mut names, mut found) = (column(&list, "name"), found);
        names.sort_unstable();
        found.sort_unstable();
        assert_eq!(names, found, "{query}");
        assert!(list.body.as_array().unwrap().iter().all(|row| row["category"]["id"].is_string()));
    }
    let all = column(&w.user(&app).get("/resources/").await.expect(200), "name");
    let place = |name: &str| all.iter().position(|found| found == name).unwrap();
    assert!(place("Bia") < place("quadra") && place("quadra") < place(first));
    let bad = w.user(&app).get("/resources/?category_id=x&status=livre").await;
    invalid(bad, &["category_id", "status"]);
    app.stop().await;
}

async fn managers_write_and_everyone_reads(app: TestApp) {
    let w = World::new(&app, "pode.example").await;
    let other = World::new(&app, "alheio.example").await;
    let (_, manager) =
        w.join(&app, "zeladora", "user", json!({ "can_manage_resources": true })).await;
    let path = format!("/resources/{}", w.resource);
    by(&app, &manager).post("/resources/", resource(&w, "Nova")).await.expect(201);
    by(&app, &manager).put(&path, json!({ "name": "Outra" })).await.expect(200);
    for answer in [
        w.user(&app).post("/resources/", resource(&w, "x")).await,
        w.user(&app).put(&path, json!({ "name": "x" })).await,
        w.user(&app).delete(&path).await,
    ] {
        refused(answer, 403, "forbidden", "Você não tem permissão para esta operação.");
    }
    let named = other.admin(&app).post("/resources/", resource(&w, "x")).await;
    refused(named, 403, "forbidden", "A requisição se refere a outro tenant.");
    let moved = w.admin(&app).put(&path, json!({ "tenant_id": other.tenant })).await;
    well_refused(moved, 403, "forbidden");
    for answer in [
        other.admin(&app).get(&path).await,
        other.admin(&app).put(&path, json!({ "name": "x" })).await,
        other.admin(&app).delete(&path).await,
        other.admin(&app).get(&format!("{path}/availability?date=2027-03-02")).await,
    ] {
        refused(answer, 404, "not_found", LOST);
    }
    w.user(&app).get(&path).await.expect(200);
    app.stop().await;
}
