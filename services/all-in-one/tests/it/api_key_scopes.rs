//! API keys: what an integration may do with one, and what never.

use http::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, column, invalid, refused, well_refused};
use crate::world::{World, person};

testkit::on_both_engines!(crate::world::guarded =>
    a_key_books_for_anyone_of_its_tenant_and_is_nobody,
    each_scope_opens_its_own_door_and_no_other,
    a_key_holds_no_power_over_passwords_or_keys,
    other_tenants_and_strangers_see_nothing,
);

const NO: &str = "Você não tem permissão para esta operação.";

fn path(w: &World) -> String {
    format!("/tenants/{}/api-keys", w.tenant)
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
