//! §4: making, reading, listing and removing users.

use contracts::Service;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, column, invalid, keys, names, refused, user_events, well_refused};
use crate::world::{World, person, tenant};

testkit::on_both_engines!(crate::world::guarded =>
    the_first_admin_needs_no_token_and_the_second_does,
    who_makes_whom,
    every_bad_field_is_named_at_once,
    an_address_is_taken_once_a_tenant_in_any_case,
    the_password_never_leaves,
    who_reads_whom,
    lists_are_by_name_and_narrowed,
    who_removes_whom,
);

const NO: &str = "Você não tem permissão para esta operação.";

fn without_password(tenant: &str, email: &str, user_type: &str, permissions: Value) -> Value {
    let mut body = person(tenant, "Zulmira", email, user_type);
    body.as_object_mut().unwrap().remove("password");
    body["permissions"] = permissions;
    body
}

async fn the_first_admin_needs_no_token_and_the_second_does(app: TestApp) {
    let made = app.post("/tenants/", tenant("novo.example", &json!({}))).await.expect(201).id();
    let admin = |email: &str| without_password(&made, email, "admin", json!({}));
    let first = app.post("/users/", admin("a@novo.example")).await.expect(201);
    assert_eq!(
        keys(&first.body),
        [
            "created_at",
            "department",
            "email",
            "id",
            "is_active",
            "metadata",
            "name",
            "permissions",
            "phone",
            "preset",
            "tenant_id",
            "updated_at",
            "user_type",
        ]
    );
    assert_eq!((&first.body["is_active"], &first.body["metadata"]), (&json!(true), &json!({})));
    let none = json!({
        "can_book": false, "can_manage_resources": false, "can_manage_users": false,
        "can_view_all_bookings": false,
    });
    assert_eq!(first.body["permissions"], none);
    refused(app.post("/users/", admin("b@novo.example")).await, 403, "forbidden", NO);
    // A plain user made first closes the door as well.
    let made = app.post("/tenants/", tenant("outro.example", &json!({}))).await.expect(201).id();
    let plain = without_password(&made, "p@outro.example", "user", json!({ "can_book": true }));
    app.post("/users/", plain).await.expect(201);
    let late = without_password(&made, "a@outro.example", "admin", json!({}));
    refused(app.post("/users/", late).await, 403, "forbidden", NO);
    let missing =
        without_password("00000000-0000-7000-8000-000000000000", "x@x.example", "user", json!({}));
    refused(app.post("/users/", missing).await, 404, "not_found", "Tenant não encontrado");
    app.stop().await;
}

async fn who_makes_whom(app: TestApp) {
    let w = World::new(&app, "quem.example").await;
    let other = World::new(&app, "alheio.example").await;
    let (_, manager) = w.join(&app, "gestora", "user", json!({ "can_manage_users": true })).await;
    let book = || json!({ "can_book": true });
    let cases = [
        ("", "user", book(), 201),
        ("", "user", json!({ "can_view_all_bookings": true }), 403),
        ("", "user", json!({ "can_book": true, "can_manage_users": true }), 403),
        ("", "admin", json!({}), 403),
        (&w.user_token, "user", book(), 403),
        (&manager, "user", book(), 201),
        (&manager, "admin", json!({}), 403),
        (&w.admin_token, "admin", json!({}), 201),
        (
            &w.admin_token,
            "user",
            json!({ "can_manage_users": true, "can_manage_resources": true }),
            201,
        ),
        (&other.admin_token, "user", book(), 403),
    ];
    for (at, (token, user_type, permissions, status)) in cases.into_iter().enumerate() {
        let email = format!("caso{at}@quem.example");
        let body = without_password(&w.tenant, &email, user_type, permissions);
        let answer = by(&app, token).post("/users/", body).await;
        assert_eq!(answer.status.as_u16(), status, "case {at}: {}", answer.text);
        let found = w.admin(&app).get(&format!("/users/?search={email}")).await.expect(200);
        assert_eq!(column(&found, "email").len(), usize::from(status == 201), "case {at}");
    }
    app.stop().await;
}

async fn every_bad_field_is_named_at_once(app: TestApp) {
    let w = World::new(&app, "ruim.example").await;
    invalid(app.post("/users/", json!({})).await, &["email", "name", "tenant_id", "user_type"]);
    let body = json!({
        "tenant_id": "x", "name": "", "email": "sem arroba", "phone": "9".repeat(41), "department": 3,
        "user_type": "chefe", "is_active": "sim", "permissions": { "can_fly": true, "can_book": 1 },
        "metadata": [], "password": "curta", "id": "x",
    });
    invalid(
        app.post("/users/", body).await,
        &[
            "department",
            "email",
            "id",
            "is_active",
            "metadata",
            "name",
            "password",
            "permissions.can_book",
            "permissions.can_fly",
            "phone",
            "tenant_id",
            "user_type",
        ],
    );
    for email in [
        "a@b",
        "@b.example",
        "a@b..example",
        "a b@c.example",
        "a@@c.example",
        "a@-c.example",
        "a@c.example\n",
    ] {
        let body = without_password(&w.tenant, email, "user", json!({}));
        invalid(app.post("/users/", body).await, &["email"]);
    }
    app.stop().await;
}

async fn an_address_is_taken_once_a_tenant_in_any_case(app: TestApp) {
    let w = World::new(&app, "email.example").await;
    let other = World::new(&app, "outra.example").await;
    let text = "E-mail já cadastrado para este tenant";
    for email in ["joao@email.example", "JOAO@Email.Example"] {
        let twin = without_password(&w.tenant, email, "user", json!({}));
        refused(w.admin(&app).post("/users/", twin).await, 400, "duplicate", text);
    }
    let elsewhere = without_password(&other.tenant, "joao@email.example", "user", json!({}));
    other.admin(&app).post("/users/", elsewhere).await.expect(201);
    let path = format!("/users/{}", w.user);
    let edit = json!({ "email": "ANA@email.example", "name": "x" });
    refused(w.admin(&app).put(&path, edit).await, 400, "duplicate", text);
    let own = w.admin(&app).put(&path, json!({ "email": "Joao@email.example" })).await.expect(200);
    assert_eq!(
        (&own.body["email"], &own.body["name"]),
        (&json!("Joao@email.example"), &json!("João Silva"))
    );
    app.stop().await;
}

async fn the_password_never_leaves(app: TestApp) {
    let w = World::new(&app, "senha.example").await;
    let body = person(&w.tenant, "Nova", "nova@senha.example", "user");
    let made = w.admin(&app).post("/users/", body).await.expect(201);
    let path = format!("/users/{}", made.id());
    for answer in [
        made,
        w.admin(&app).get(&path).await,
        w.admin(&app).put(&path, json!({ "password": "outra senha 2" })).await,
        w.admin(&app).get("/users/").await,
    ] {
        for secret in ["password", "argon2", crate::world::PASSWORD, "outra senha"] {
            assert!(!answer.text.contains(secret), "{}", answer.text);
        }
    }
    for event in app.events(Service::User).await {
        let text = event.payload.to_string();
        assert!(!text.contains("argon2") && !text.contains("senha"), "{text}");
    }
    app.stop().await;
}

async fn who_reads_whom(app: TestApp) {
    let w = World::new(&app, "le.example").await;
    let other = World::new(&app, "alheio.example").await;
    let (manager, manager_token) =
        w.join(&app, "gestora", "user", json!({ "can_manage_users": true })).await;
    let path = format!("/users/{}", w.user);
    for token in [&w.user_token, &w.admin_token, &manager_token] {
        assert_eq!(by(&app, token).get(&path).await.expect(200).id(), w.user);
    }
    let me = w.user(&app).get("/users/me").await.expect(200);
    assert_eq!(me.id(), w.user);
    refused(w.user(&app).get(&format!("/users/{manager}")).await, 403, "forbidden", NO);
    refused(w.user(&app).get("/users/").await, 403, "forbidden", NO);
    refused(other.admin(&app).get(&path).await, 404, "not_found", "Usuário não encontrado");
    let missing = w.admin(&app).get("/users/00000000-0000-7000-8000-000000000000").await;
    refused(missing, 404, "not_found", "Usuário não encontrado");
    app.stop().await;
}

async fn lists_are_by_name_and_narrowed(app: TestApp) {
    let w = World::new(&app, "lista.example").await;
    let admin = w.admin(&app);
    for (name, active) in [("bia", true), ("Carlos", false), ("Bruno", true)] {
        let mut body =
            without_password(&w.tenant, &format!("{name}@lista.example"), "user", json!({}));
        (body["name"], body["is_active"], body["department"]) =
            (json!(name), json!(active), json!("Piso 2"));
        admin.post("/users/", body).await.expect(201);
    }
    for (query, found) in [
        ("", vec!["Ana Admin", "bia", "Bruno", "Carlos", "João Silva"]),
        ("user_type=admin", vec!["Ana Admin"]),
        ("user_type=user&is_active=true", vec!["bia", "Bruno", "João Silva"]),
        ("is_active=false", vec!["Carlos"]),
        ("search=BR", vec!["Bruno"]),
        ("search=carlos%40LISTA", vec!["Carlos"]),
        ("search=JO%C3%83O", vec!["João Silva"]),
    ] {
        let list = admin.get(&format!("/users/?tenant_id={}&{query}", w.tenant)).await.expect(200);
        assert_eq!(column(&list, "name"), found, "{query}");
    }
    let bad = admin.get("/users/?tenant_id=x&user_type=chefe&is_active=2").await;
    invalid(bad, &["is_active", "tenant_id", "user_type"]);
    app.stop().await;
}

async fn who_removes_whom(app: TestApp) {
    let w = World::new(&app, "remove.example").await;
    let other = World::new(&app, "alheio.example").await;
    let (manager, manager_token) =
        w.join(&app, "gestora", "user", json!({ "can_manage_users": true })).await;
    let path = format!("/users/{}", w.user);
    well_refused(by(&app, "").delete(&path).await, 401, "unauthorized");
    refused(by(&app, &manager_token).delete(&path).await, 403, "forbidden", NO);
    refused(other.admin(&app).delete(&path).await, 404, "not_found", "Usuário não encontrado");
    w.user(&app).delete(&path).await.expect(204);
    refused(w.admin(&app).get(&path).await, 404, "not_found", "Usuário não encontrado");
    refused(w.admin(&app).delete(&path).await, 404, "not_found", "Usuário não encontrado");
    w.admin(&app).delete(&format!("/users/{manager}")).await.expect(204);
    // The address is free again.
    let again = without_password(&w.tenant, "joao@remove.example", "user", json!({}));
    app.post("/users/", again).await.expect(201);
    assert_eq!(names(&user_events(&app).await), ["user.deleted", "user.deleted"]);
    app.stop().await;
}
