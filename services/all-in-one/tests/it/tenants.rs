//! §3: tenants and their settings.

use contracts::Service;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, invalid, keys, names, refused, well_refused};
use crate::world::{World, tenant};

testkit::on_both_engines!(crate::world::guarded =>
    a_new_tenant_has_the_documented_defaults,
    every_bad_field_is_named_at_once,
    a_domain_is_taken_once_in_any_case,
    strangers_see_public_fields_only,
    edits_are_partial_and_judged_whole,
    settings_are_edited_alone_too,
    only_its_admin_changes_a_tenant,
    each_change_is_told_once,
);

async fn a_new_tenant_has_the_documented_defaults(app: TestApp) {
    let mut body = tenant("padrao.example", &json!({}));
    let settings = body["settings"].as_object_mut().unwrap();
    for name in ["timezone", "booking_interval", "advance_booking_days", "cancellation_hours"] {
        settings.remove(name);
    }
    let made = app.post("/tenants/", body).await.expect(201);
    assert_eq!(uuid::Uuid::parse_str(&made.id()).unwrap().get_version_num(), 7);
    assert_eq!(
        keys(&made.body),
        [
            "created_at",
            "domain",
            "id",
            "is_active",
            "logo_url",
            "name",
            "plan",
            "settings",
            "theme_primary_color",
            "updated_at",
        ]
    );
    assert_eq!(made.body["is_active"], true);
    assert_eq!(made.body["created_at"], "2027-03-01T12:00:00Z");
    let settings = &made.body["settings"];
    assert_eq!(
        keys(settings),
        [
            "advance_booking_days",
            "booking_interval",
            "booking_policy",
            "business_type",
            "cancellation_hours",
            "created_at",
            "custom_labels",
            "default_booking_status",
            "hold_minutes",
            "id",
            "password_policy",
            "timezone",
            "updated_at",
            "working_hours_end",
            "working_hours_start",
        ]
    );
    for (name, value) in [
        ("timezone", json!("UTC")),
        ("booking_interval", json!(30)),
        ("advance_booking_days", json!(30)),
        ("cancellation_hours", json!(24)),
        ("default_booking_status", json!("pendente")),
        (
            "password_policy",
            json!({ "min_length": 8, "require_uppercase": false, "require_symbol": false }),
        ),
    ] {
        assert_eq!(settings[name], value, "{name}");
    }
    app.stop().await;
}

async fn every_bad_field_is_named_at_once(app: TestApp) {
    let empty = app.post("/tenants/", json!({})).await;
    invalid(empty, &["domain", "logo_url", "name", "plan", "settings", "theme_primary_color"]);
    let cases = [
        ("name", vec![json!(""), json!("n".repeat(201)), json!(7), Value::Null]),
        ("domain", vec![json!("a b"), json!("-x"), json!("a..b"), json!("http://x"), json!("")]),
        (
            "logo_url",
            vec![json!("ftp://x/y"), json!("x"), json!("http://"), json!("javascript:alert(1)")],
        ),
        (
            "theme_primary_color",
            vec![json!("red"), json!("#12"), json!("#12345"), json!("#GGG"), json!("#FF57222")],
        ),
        ("plan", vec![json!("gratis"), json!("Basico"), json!(1)]),
        ("is_active", vec![json!("sim"), Value::Null]),
        ("settings", vec![json!([]), Value::Null]),
        (
            "settings.timezone",
            vec![json!("Mars/Base"), json!(""), json!("America/Sao Paulo"), Value::Null],
        ),
        (
            "settings.working_hours_start",
            vec![json!("25:00"), json!("6h"), json!("24:00"), json!(6)],
        ),
        ("settings.working_hours_end", vec![json!("06:00"), json!("05:00"), json!("24:01")]),
        ("settings.booking_interval", vec![json!(4), json!(481), json!("60"), json!(30.5)]),
        ("settings.advance_booking_days", vec![json!(-1), json!(366)]),
        ("settings.cancellation_hours", vec![json!(-1), json!(169)]),
        ("settings.custom_labels", vec![json!("x")]),
        ("settings.custom_labels.user_label", vec![json!(""), Value::Null]),
        ("settings.default_booking_status", vec![json!("cancelado"), json!("talvez")]),
        ("settings.password_policy", vec![json!(8), Value::Null]),
        ("settings.password_policy.min_length", vec![json!(7), json!(65), json!("8")]),
        ("settings.password_policy.require_symbol", vec![json!(1), Value::Null]),
        ("settings.business_type", vec![json!(""), Value::Null]),
        ("settings.extra", vec![json!(1)]),
    ];
    let mut every = tenant("tudo.example", &json!({}));
    for (path, bad) in &cases {
        for value in bad {
            let mut body = tenant("ruim.example", &json!({}));
            *body.pointer_mut("/settings").unwrap() = body["settings"].clone();
            set(&mut body, path, value);
            invalid(app.post("/tenants/", body).await, &[*path]);
        }
        if !matches!(*path, "settings" | "settings.custom_labels" | "settings.password_policy") {
            set(&mut every, path, &bad[0]);
        }
    }
    let mut all: Vec<&str> = cases.iter().map(|(path, _)| *path).collect();
    // Opening and closing cannot be compared when one of them cannot be read.
    all.retain(|path| {
        !matches!(
            *path,
            "settings"
                | "settings.custom_labels"
                | "settings.password_policy"
                | "settings.working_hours_end"
        )
    });
    all.sort_unstable();
    invalid(app.post("/tenants/", every).await, &all);
    let count = app.get("/tenants/?count=true").await.expect(200);
    assert_eq!(count.header("x-total-count"), "0");
    app.stop().await;
}

/// Sets `a.b.c`.
fn set(body: &mut Value, path: &str, value: &Value) {
    let place = path.split('.').fold(body, |place, name| &mut place[name]);
    *place = value.clone();
}

async fn a_domain_is_taken_once_in_any_case(app: TestApp) {
    let w = World::new(&app, "Academia-Fit.example").await;
    for domain in ["Academia-Fit.example", "academia-fit.EXAMPLE"] {
        let twin = app.post("/tenants/", tenant(domain, &json!({}))).await;
        refused(twin, 400, "duplicate", "Domínio já cadastrado.");
    }
    app.post("/tenants/", tenant("outra", &json!({}))).await.expect(201);
    let path = format!("/tenants/{}", w.tenant);
    let twin = w.admin(&app).put(&path, json!({ "domain": "OUTRA", "name": "x" })).await;
    refused(twin, 400, "duplicate", "Domínio já cadastrado.");
    let own =
        w.admin(&app).put(&path, json!({ "domain": "academia-fit.example" })).await.expect(200);
    assert_eq!(
        (&own.body["domain"], &own.body["name"]),
        (&json!("academia-fit.example"), &json!("Academia Fit"))
    );
    app.stop().await;
}

async fn strangers_see_public_fields_only(app: TestApp) {
    let w = World::new(&app, "publico.example").await;
    let other = World::new(&app, "alheio.example").await;
    let path = format!("/tenants/{}", w.tenant);
    let public = ["custom_labels", "domain", "id", "logo_url", "name", "theme_primary_color"];
    for token in ["", other.admin_token.as_str()] {
        let one = by(&app, token).get(&path).await.expect(200);
        assert_eq!(keys(&one.body), public);
        let list = by(&app, token).get("/tenants/").await.expect(200);
        let own = list.body.as_array().unwrap().iter().find(|row| row["id"] == w.tenant.as_str());
        assert_eq!(keys(own.unwrap()), public);
    }
    for token in [&w.user_token, &w.admin_token] {
        let one = by(&app, token).get(&path).await.expect(200);
        assert_eq!(one.body["settings"]["timezone"], "America/Sao_Paulo");
        let list = by(&app, token).get("/tenants/").await.expect(200);
        let settings = |id: &str| {
            let row = list.body.as_array().unwrap().iter().find(|row| row["id"] == id);
            row.unwrap()["settings"].is_object()
        };
        assert!(settings(&w.tenant) && !settings(&other.tenant));
    }
    let missing = app.get("/tenants/00000000-0000-7000-8000-000000000000").await;
    refused(missing, 404, "not_found", "Tenant não encontrado");
    app.stop().await;
}

async fn edits_are_partial_and_judged_whole(app: TestApp) {
    let w = World::new(&app, "edita.example").await;
    let (admin, path) = (w.admin(&app), format!("/tenants/{}", w.tenant));
    let before = admin.get(&path).await.expect(200).body;
    app.clock.advance(chrono::Duration::seconds(9));
    let edit = json!({ "plan": "basico", "settings": { "booking_interval": 15, "custom_labels": { "user_label": "Atleta" } } });
    let after = admin.put(&path, edit).await.expect(200).body;
    let mut expected = before.clone();
    expected["plan"] = json!("basico");
    expected["settings"]["booking_interval"] = json!(15);
    expected["settings"]["custom_labels"]["user_label"] = json!("Atleta");
    expected["updated_at"] = json!("2027-03-01T12:00:09Z");
    expected["settings"]["updated_at"] = json!("2027-03-01T12:00:09Z");
    assert_eq!(after, expected);
    // The merged whole is judged: closing before the opening that stays is refused.
    for (edit, fields) in [
        (
            json!({ "name": "novo", "settings": { "working_hours_end": "05:00" } }),
            vec!["settings.working_hours_end"],
        ),
        (
            json!({ "name": null, "logo_url": "x", "plan": "ouro" }),
            vec!["logo_url", "name", "plan"],
        ),
        (json!({ "id": w.tenant, "created_at": "x" }), vec!["created_at", "id"]),
        (json!({ "settings": null }), vec!["settings"]),
        (
            json!({ "settings": { "id": "x", "custom_labels": { "extra": "x" } } }),
            vec!["settings.custom_labels.extra", "settings.id"],
        ),
    ] {
        invalid(admin.put(&path, edit).await, &fields);
    }
    assert_eq!(admin.get(&path).await.expect(200).body, expected);
    assert_eq!(admin.put(&path, json!({})).await.expect(200).body, expected);
    app.stop().await;
}

async fn settings_are_edited_alone_too(app: TestApp) {
    let w = World::new(&app, "regras.example").await;
    let path = format!("/tenants/{}/settings", w.tenant);
    let before = w.user(&app).get(&path).await.expect(200).body;
    assert_eq!(before["working_hours_start"].as_str().map(|time| &time[..5]), Some("06:00"));
    let after = w
        .admin(&app)
        .put(&path, json!({ "timezone": "Asia/Kathmandu", "cancellation_hours": 0 }))
        .await;
    let after = after.expect(200).body;
    assert_eq!(
        (&after["timezone"], &after["cancellation_hours"]),
        (&json!("Asia/Kathmandu"), &json!(0))
    );
    assert_eq!(after["custom_labels"], before["custom_labels"]);
    for (edit, fields) in [
        (json!({ "working_hours_start": "23:00" }), vec!["working_hours_end"]),
        (
            json!({ "timezone": null, "booking_interval": 3, "x": 1 }),
            vec!["booking_interval", "timezone", "x"],
        ),
    ] {
        invalid(w.admin(&app).put(&path, edit).await, &fields);
    }
    assert_eq!(w.user(&app).get(&path).await.expect(200).body, after);
    let whole = w.user(&app).get(&format!("/tenants/{}", w.tenant)).await.expect(200);
    assert_eq!(whole.body["settings"], after);
    app.stop().await;
}

async fn only_its_admin_changes_a_tenant(app: TestApp) {
    let w = World::new(&app, "dono.example").await;
    let other = World::new(&app, "alheio.example").await;
    let (path, settings) =
        (format!("/tenants/{}", w.tenant), format!("/tenants/{}/settings", w.tenant));
    let all = json!({ "can_manage_users": true, "can_manage_resources": true, "can_book": true, "can_view_all_bookings": true });
    let (_, almost) = w.join(&app, "quase", "user", all).await;
    for (token, status, code) in [
        ("", 401, "unauthorized"),
        (almost.as_str(), 403, "forbidden"),
        (other.admin_token.as_str(), 403, "forbidden"),
    ] {
        let who = by(&app, token);
        for answer in [
            who.put(&path, json!({ "name": "meu" })).await,
            who.put(&settings, json!({ "booking_interval": 30 })).await,
            who.delete(&path).await,
        ] {
            well_refused(answer, status, code);
        }
    }
    well_refused(by(&app, "").get(&settings).await, 401, "unauthorized");
    well_refused(other.admin(&app).get(&settings).await, 403, "forbidden");
    let missing = "00000000-0000-7000-8000-000000000000";
    let settings = format!("/tenants/{missing}/settings");
    for answer in
        [w.admin(&app).get(&settings).await, w.admin(&app).put(&settings, json!({})).await]
    {
        refused(answer, 404, "not_found", "Configurações não encontradas");
    }
    let missing = format!("/tenants/{missing}");
    for answer in
        [w.admin(&app).delete(&missing).await, w.admin(&app).put(&missing, json!({})).await]
    {
        refused(answer, 404, "not_found", "Tenant não encontrado");
    }
    w.admin(&app).delete(&path).await.expect(204);
    refused(app.get(&path).await, 404, "not_found", "Tenant não encontrado");
    app.stop().await;
}

async fn each_change_is_told_once(app: TestApp) {
    let w = World::new(&app, "conta.example").await;
    let (admin, path) = (w.admin(&app), format!("/tenants/{}", w.tenant));
    admin.put(&path, json!({ "name": "Academia Fit" })).await.expect(200);
    admin.put(&path, json!({ "name": "Fit" })).await.expect(200);
    admin.put(&path, json!({ "settings": { "booking_interval": 15 } })).await.expect(200);
    admin.put(&path, json!({ "settings": { "booking_interval": 4 } })).await.expect(422);
    admin.put(&format!("{path}/settings"), json!({ "booking_interval": 20 })).await.expect(200);
    admin.delete(&path).await.expect(204);
    let events = app.events(Service::Tenant).await;
    assert_eq!(
        names(&events),
        ["tenant.updated", "tenant.settings_changed", "tenant.settings_changed", "tenant.deleted"]
    );
    for event in &events {
        assert_eq!(event.metadata.aggregate_id.to_string(), w.tenant);
        assert_eq!(event.payload["tenant_id"], w.tenant.as_str());
    }
    app.stop().await;
}
