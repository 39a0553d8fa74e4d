//! `PUT /users/{id}`.

use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, invalid, names, refused, user_events, well_refused};
use crate::world::{World, login};

testkit::on_both_engines!(crate::world::guarded =>
    nobody_changes_his_own_standing,
    edits_are_partial_and_judged_whole,
    who_edits_whom,
    metadata_has_an_alias,
);

const NO: &str = "Você não tem permissão para esta operação.";

async fn nobody_changes_his_own_standing(app: TestApp) {
    let w = World::new(&app, "proprio.example").await;
    let (manager, manager_token) =
        w.join(&app, "gestora", "user", json!({ "can_manage_users": true })).await;
    for (id, token) in
        [(&w.user, &w.user_token), (&w.admin, &w.admin_token), (&manager, &manager_token)]
    {
        let (path, who) = (format!("/users/{id}"), by(&app, token));
        let before = who.get(&path).await.expect(200).body;
        let other_type = if before["user_type"] == "admin" { "user" } else { "admin" };
        for edit in [
            json!({ "user_type": other_type }),
            json!({ "is_active": false }),
            json!({ "permissions": { "can_view_all_bookings": true } }),
            json!({ "name": "Outro", "permissions": { "can_manage_resources": true } }),
        ] {
            refused(who.put(&path, edit).await, 403, "forbidden", NO);
        }
        let elsewhere = json!({ "tenant_id": "00000000-0000-7000-8000-000000000000" });
        well_refused(who.put(&path, elsewhere).await, 403, "forbidden");
        assert_eq!(who.get(&path).await.expect(200).body, before);
        // Repeating what is so is no change.
        let same =
            json!({ "user_type": before["user_type"], "tenant_id": w.tenant, "phone": "+55 11 9" });
        assert_eq!(who.put(&path, same).await.expect(200).body["phone"], "+55 11 9");
    }
    app.stop().await;
}

async fn edits_are_partial_and_judged_whole(app: TestApp) {
    let w = World::new(&app, "parcial.example").await;
    let (admin, path) = (w.admin(&app), format!("/users/{}", w.user));
    let before = admin.get(&path).await.expect(200).body;
    app.clock.advance(chrono::Duration::seconds(3));
    let edit = json!({ "department": "Piso 2", "permissions": { "can_view_all_bookings": true } });
    let mut expected = before.clone();
    expected["department"] = json!("Piso 2");
    expected["permissions"]["can_view_all_bookings"] = json!(true);
    expected["updated_at"] = json!("2027-03-01T12:00:03Z");
    assert_eq!(admin.put(&path, edit.clone()).await.expect(200).body, expected);
    assert_eq!(admin.put(&path, edit).await.expect(200).body, expected);
    for (edit, fields) in [
        (
            json!({ "name": null, "email": null, "user_type": null, "is_active": null }),
            vec!["email", "is_active", "name", "user_type"],
        ),
        (json!({ "name": "ok", "email": "x", "password": "1234567" }), vec!["email", "password"]),
        (json!({ "permissions": { "can_fly": true } }), vec!["permissions.can_fly"]),
        (json!({ "updated_at": 1, "id": w.user }), vec!["id", "updated_at"]),
    ] {
        invalid(admin.put(&path, edit).await, &fields);
    }
    assert_eq!(admin.get(&path).await.expect(200).body, expected);
    let cleared = admin.put(&path, json!({ "department": null })).await.expect(200);
    assert_eq!(cleared.body["department"], Value::Null);
    assert_eq!(names(&user_events(&app).await), ["user.updated", "user.updated"]);
    // A new password takes the place of the old one.
    let old = json!({ "email": "joao@parcial.example", "password": crate::world::PASSWORD });
    app.post("/users/login", old.clone()).await.expect(200);
    w.user(&app).put(&path, json!({ "password": "senha bem nova 7" })).await.expect(200);
    app.post("/users/login", old).await.expect(401);
    let new = json!({ "email": "joao@parcial.example", "password": "senha bem nova 7" });
    app.post("/users/login", new).await.expect(200);
    app.stop().await;
}

async fn who_edits_whom(app: TestApp) {
    let w = World::new(&app, "edita.example").await;
    let other = World::new(&app, "alheio.example").await;
    let (_, manager) = w.join(&app, "gestora", "user", json!({ "can_manage_users": true })).await;
    let (user, admin) = (format!("/users/{}", w.user), format!("/users/{}", w.admin));
    let rename = || json!({ "name": "Novo Nome" });
    refused(w.user(&app).put(&admin, rename()).await, 403, "forbidden", NO);
    refused(by(&app, &manager).put(&admin, rename()).await, 403, "forbidden", NO);
    refused(
        by(&app, &manager).put(&user, json!({ "user_type": "admin" })).await,
        403,
        "forbidden",
        NO,
    );
    refused(
        other.admin(&app).put(&user, rename()).await,
        404,
        "not_found",
        "Usuário não encontrado",
    );
    well_refused(by(&app, "").put(&user, rename()).await, 401, "unauthorized");
    by(&app, &manager).put(&user, rename()).await.expect(200);
    w.user(&app).put(&user, json!({ "name": "João" })).await.expect(200);
    let moved = w.admin(&app).put(&user, json!({ "tenant_id": other.tenant })).await;
    refused(moved, 403, "forbidden", "A requisição se refere a outro tenant.");
    w.admin(&app).put(&user, json!({ "user_type": "admin" })).await.expect(200);
    app.settle().await;
    // Authority is that of the moment: the old token is an admin's now.
    w.user(&app).get("/users/").await.expect(200);
    app.stop().await;
}

async fn metadata_has_an_alias(app: TestApp) {
    let w = World::new(&app, "meta.example").await;
    let (admin, path) = (w.admin(&app), format!("/users/{}", w.user));
    let free = json!({ "crm": { "id": 7, "tags": ["a", null, 1.5] }, "ção": "✓" });
    let set = admin.put(&path, json!({ "profile_metadata": free })).await.expect(200);
    assert_eq!(set.body["metadata"], free);
    assert!(set.body.get("profile_metadata").is_none());
    let replaced = admin.put(&path, json!({ "metadata": { "x": 1 } })).await.expect(200);
    assert_eq!(
        replaced.body["metadata"],
        json!({ "x": 1 }),
        "free-form objects are replaced whole"
    );
    let mut body = crate::world::person(&w.tenant, "Nova", "nova@meta.example", "user");
    body["profile_metadata"] = free.clone();
    assert_eq!(admin.post("/users/", body).await.expect(201).body["metadata"], free);
    login(&app, &w.tenant, "nova@meta.example").await;
    app.stop().await;
}
