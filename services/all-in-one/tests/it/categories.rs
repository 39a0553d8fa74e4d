//! §5: categories.

use contracts::Service;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, column, invalid, keys, names, refused, well_refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    a_new_category_has_the_documented_defaults,
    every_bad_field_is_named_at_once,
    edits_are_partial_and_told_once,
    a_category_in_use_stays,
    custom_fields_are_enforced_on_resources,
    lists_are_by_name,
    managers_write_and_everyone_reads,
);

const NO: &str = "Você não tem permissão para esta operação.";
const LOST: &str = "Categoria não encontrada";

fn category(w: &World, name: &str) -> Value {
    json!({ "tenant_id": w.tenant, "name": name, "type": "humano" })
}

async fn a_new_category_has_the_documented_defaults(app: TestApp) {
    let w = World::new(&app, "padrao.example").await;
    let made = w.admin(&app).post("/categories/", category(&w, "Instrutores")).await.expect(201);
    assert_eq!(
        keys(&made.body),
        [
            "booking_policy",
            "category_metadata",
            "color",
            "created_at",
            "description",
            "icon",
            "id",
            "is_active",
            "name",
            "tenant_id",
            "type",
            "updated_at",
        ]
    );
    assert_eq!(made.body["is_active"], true);
    let metadata = json!({
        "requires_qualification": false, "allows_multiple_bookings": false, "custom_fields": [],
    });
    assert_eq!(made.body["category_metadata"], metadata);
    let read = w.user(&app).get(&format!("/categories/{}", made.id())).await.expect(200);
    assert_eq!(read.body, made.body);
    app.stop().await;
}

async fn every_bad_field_is_named_at_once(app: TestApp) {
    let w = World::new(&app, "ruim.example").await;
    let admin = w.admin(&app);
    invalid(admin.post("/categories/", json!({})).await, &["name", "tenant_id", "type"]);
    let body = json!({
        "tenant_id": 1, "name": "", "type": "virtual", "description": 2, "icon": "i".repeat(61),
        "color": "4CAF50", "is_active": null, "id": "x",
        "category_metadata": {
            "requires_qualification": "sim", "livre": { "a": 1 },
            "custom_fields": [
                { "key": "ok", "type": "string" },
                { "key": "", "type": "texto", "required": 1, "extra": 1 },
                { "key": "tamanho", "type": "enum" },
                { "key": "cor", "type": "string", "options": ["a"] },
                7,
            ],
        },
    });
    let at = |field: &str| format!("category_metadata.custom_fields{field}");
    let mut fields = vec![
        "color".to_owned(),
        "description".into(),
        "icon".into(),
        "id".into(),
        "is_active".into(),
        "name".into(),
        "tenant_id".into(),
        "type".into(),
        "category_metadata.requires_qualification".into(),
        at("[1].extra"),
        at("[1].key"),
        at("[1].required"),
        at("[1].type"),
        at("[2].options"),
        at("[3].options"),
        at("[4]"),
    ];
    fields.sort_unstable();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    invalid(admin.post("/categories/", body).await, &fields);
    let mut body = category(&w, "Livre");
    body["category_metadata"] = json!({ "livre": { "a": [1, null] } });
    let made = admin.post("/categories/", body).await.expect(201);
    assert_eq!(made.body["category_metadata"]["livre"], json!({ "a": [1, null] }));
    let list = admin.get("/categories/?count=true").await.expect(200);
    assert_eq!(list.header("x-total-count"), "2");
    app.stop().await;
}

async fn edits_are_partial_and_told_once(app: TestApp) {
    let w = World::new(&app, "edita.example").await;
    let (admin, path) = (w.admin(&app), format!("/categories/{}", w.category));
    let before = admin.get(&path).await.expect(200).body;
    app.clock.advance(chrono::Duration::seconds(4));
    let mut expected = before.clone();
    expected["color"] = json!("#abc");
    expected["icon"] = Value::Null;
    expected["updated_at"] = json!("2027-03-01T12:00:04Z");
    let edit = json!({ "color": "#abc", "icon": null });
    assert_eq!(admin.put(&path, edit.clone()).await.expect(200).body, expected);
    assert_eq!(admin.put(&path, edit).await.expect(200).body, expected);
    for (edit, fields) in [
        (json!({ "name": null, "type": null, "color": "verde" }), vec!["color", "name", "type"]),
        (
            json!({ "color": "#fff", "category_metadata": { "custom_fields": {} } }),
            vec!["category_metadata.custom_fields"],
        ),
        (json!({ "created_at": "x" }), vec!["created_at"]),
    ] {
        invalid(admin.put(&path, edit).await, &fields);
    }
    assert_eq!(admin.get(&path).await.expect(200).body, expected);
    let events = app.events(Service::Resource).await;
    assert_eq!(names(&events), ["category.updated"]);
    let payload = json!({ "tenant_id": w.tenant, "category_id": w.category });
    assert_eq!(events[0].payload, payload);
    app.stop().await;
}

async fn a_category_in_use_stays(app: TestApp) {
    let w = World::new(&app, "uso.example").await;
    let (admin, path) = (w.admin(&app), format!("/categories/{}", w.category));
    refused(admin.delete(&path).await, 409, "conflict", "Categoria em uso por recursos.");
    admin.get(&path).await.expect(200);
    admin.delete(&format!("/resources/{}", w.resource)).await.expect(204);
    admin.delete(&path).await.expect(204);
    refused(admin.get(&path).await, 404, "not_found", LOST);
    refused(admin.delete(&path).await, 404, "not_found", LOST);
    app.stop().await;
}

async fn custom_fields_are_enforced_on_resources(app: TestApp) {
    let w = World::new(&app, "campos.example").await;
    let admin = w.admin(&app);
    let mut body = category(&w, "Salas");
    body["category_metadata"] = json!({ "custom_fields": [
        { "key": "piso", "type": "number", "required": true },
        { "key": "apelido", "type": "string" },
        { "key": "acessivel", "type": "boolean" },
        { "key": "reforma", "type": "date" },
        { "key": "tamanho", "type": "enum", "options": ["P", "G"] },
    ] });
    let category = admin.post("/categories/", body).await.expect(201).id();
    let resource = |attributes: Value| {
        json!({
            "tenant_id": w.tenant, "category_id": category, "name": "Sala", "attributes": attributes,
        })
    };
    for (attributes, fields) in [
        (json!({}), vec!["attributes.piso"]),
        (json!({ "piso": null }), vec!["attributes.piso"]),
        (
            json!({ "piso": "2", "apelido": 1, "acessivel": "sim", "reforma": "ontem", "tamanho": "M" }),
            vec![
                "attributes.acessivel",
                "attributes.apelido",
                "attributes.piso",
                "attributes.reforma",
                "attributes.tamanho",
            ],
        ),
        (
            json!({ "piso": 2, "reforma": "2027-02-30", "tamanho": 1 }),
            vec!["attributes.reforma", "attributes.tamanho"],
        ),
    ] {
        invalid(admin.post("/resources/", resource(attributes)).await, &fields);
    }
    let good = json!({
        "piso": 2.5, "apelido": "Azul", "acessivel": true, "reforma": "2027-02-28", "tamanho": "G",
        "livre": [1],
    });
    let made = admin.post("/resources/", resource(good.clone())).await.expect(201);
    assert_eq!(made.body["attributes"], good);
    let path = format!("/resources/{}", made.id());
    invalid(
        admin.put(&path, json!({ "attributes": { "apelido": "x" } })).await,
        &["attributes.piso"],
    );
    // A move to a category with other fields is judged by those.
    admin.put(&path, json!({ "category_id": w.category, "attributes": {} })).await.expect(200);
    invalid(admin.put(&path, json!({ "category_id": category })).await, &["attributes.piso"]);
    assert_eq!(admin.get(&path).await.expect(200).body["category_id"], w.category.as_str());
    app.stop().await;
}

async fn lists_are_by_name(app: TestApp) {
    let w = World::new(&app, "lista.example").await;
    for name in ["zebra", "Banho", "academia"] {
        w.admin(&app).post("/categories/", category(&w, name)).await.expect(201);
    }
    let wanted = ["academia", "Banho", "Salas de Aula", "zebra"];
    for path in ["/categories/".to_owned(), format!("/categories/?tenant_id={}", w.tenant)] {
        assert_eq!(column(&w.user(&app).get(&path).await.expect(200), "name"), wanted);
    }
    app.stop().await;
}

async fn managers_write_and_everyone_reads(app: TestApp) {
    let w = World::new(&app, "pode.example").await;
    let other = World::new(&app, "alheio.example").await;
    let (_, manager) =
        w.join(&app, "zeladora", "user", json!({ "can_manage_resources": true })).await;
    let path = format!("/categories/{}", w.category);
    let unused =
        by(&app, &manager).post("/categories/", category(&w, "Nova")).await.expect(201).id();
    let unused = format!("/categories/{unused}");
    by(&app, &manager).put(&unused, json!({ "name": "Outra" })).await.expect(200);
    for answer in [
        w.user(&app).post("/categories/", category(&w, "x")).await,
        w.user(&app).put(&unused, json!({ "name": "x" })).await,
        w.user(&app).delete(&unused).await,
    ] {
        refused(answer, 403, "forbidden", NO);
    }
    let named = other.admin(&app).post("/categories/", category(&w, "x")).await;
    refused(named, 403, "forbidden", "A requisição se refere a outro tenant.");
    let moved = w.admin(&app).put(&path, json!({ "tenant_id": other.tenant })).await;
    well_refused(moved, 403, "forbidden");
    for answer in [
        other.admin(&app).get(&unused).await,
        other.admin(&app).put(&unused, json!({ "name": "x" })).await,
        other.admin(&app).delete(&unused).await,
    ] {
        refused(answer, 404, "not_found", LOST);
    }
    w.user(&app).get(&path).await.expect(200);
    by(&app, &manager).delete(&unused).await.expect(204);
    app.stop().await;
}
