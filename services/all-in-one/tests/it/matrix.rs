//! The authorization matrix: every documented operation has a row, which says what nobody, another
//! tenant's admin, a plain user and the admin get. A new operation fails here until it has one.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::by;
use crate::openapi::operations;
use crate::world::{PASSWORD, World, login, tenant};

testkit::on_both_engines!(crate::world::guarded =>
    every_operation_answers_each_caller_as_its_row_says,
    a_request_that_names_another_tenant_is_refused,
);

/// What the requests of the matrix are about. All of it belongs to the admin's tenant; the booking is
/// the admin's own.
pub(crate) struct Scene {
    pub(crate) w: World,
    booking: String,
    /// An API key.
    key: String,
    /// A user, a category and a resource nobody needs.
    spare: [String; 3],
    /// A user who is nobody any more in the end.
    erased: String,
    /// A session of the admin that nobody needs.
    session: String,
}

/// An operation with its target, its body, and the status each caller gets: nobody, another tenant's
/// admin, a plain user of the tenant, its admin.
pub(crate) type Row = (&'static str, String, Value, [u16; 4]);

/// In this order: what is needed longest goes last.
pub(crate) fn rows(scene: &Scene) -> Vec<Row> {
    let Scene { w, booking, key, spare: [user, category, resource], erased, session } = scene;
    let none = String::new;
    let (t, b) = (&w.tenant, booking);
    let who =
        json!({ "tenant_id": t, "name": "Vera", "email": "vera@x.example", "user_type": "admin" });
    let login = json!({ "email": "ninguem@x.example", "password": "12345678" });
    let change = json!({ "current_password": PASSWORD, "new_password": "another horse 2" });
    let forgotten = json!({ "email": "ninguem@x.example" });
    let reset = json!({ "token": "mp_x", "password": "another horse 3" });
    let grant = json!({ "username": "ninguem@x.example", "password": "12345678" });
    let joins = json!({
        "tenant_id": t, "name": "Nova", "email": "nova@x.example", "password": "uma senha 1",
    });
    let kind = json!({ "tenant_id": t, "name": "x", "type": "fisico" });
    let room = json!({ "tenant_id": t, "category_id": w.category, "name": "x" });
    let mut slot = w.booking("2027-03-05T13:00:00Z", "2027-03-05T14:00:00Z");
    slot["user_id"] = json!(w.admin);
    let nil = || Value::Null;
    let integration = json!({ "name": "x", "scopes": {} });
    let act = json!({ "user_id": w.user, "reason": "chamado 4711" });
    let one_key = format!("{t}/{key}");
    vec![
        ("GET /auth/.well-known/jwks.json", none(), nil(), [200, 200, 200, 200]),
        ("GET /tenants/", none(), nil(), [200, 200, 200, 200]),
        ("GET /tenants/{id}", t.clone(), nil(), [200, 200, 200, 200]),
        ("GET /tenants/{id}/settings", t.clone(), nil(), [401, 403, 200, 200]),
        ("PUT /tenants/{id}", t.clone(), json!({ "name": "x" }), [401, 403, 403, 200]),
        (
            "PUT /tenants/{id}/settings",
            t.clone(),
            json!({ "business_type": "x" }),
            [401, 403, 403, 200],
        ),
        ("POST /users/login", none(), login, [401, 401, 401, 401]),
        ("POST /auth/password/change", none(), change, [401, 204, 204, 204]),
        ("POST /auth/password/recover", none(), forgotten, [202, 202, 202, 202]),
        ("POST /auth/password/reset", none(), reset, [400, 400, 400, 400]),
        ("POST /auth/token", none(), grant, [401, 401, 401, 401]),
        ("POST /auth/refresh", none(), nil(), [401, 401, 401, 401]),
        ("POST /auth/register", none(), joins, [201, 400, 400, 400]),
        ("GET /auth/me", none(), nil(), [401, 200, 200, 200]),
        ("GET /auth/sessions", none(), nil(), [401, 200, 200, 200]),
        ("DELETE /auth/sessions/{id}", session.clone(), nil(), [401, 404, 404, 204]),
        ("GET /users/me", none(), nil(), [401, 200, 200, 200]),
        ("GET /users/", none(), nil(), [401, 200, 403, 200]),
        ("POST /users/", none(), who, [403, 403, 403, 201]),
        ("GET /users/{id}", user.clone(), nil(), [401, 404, 403, 200]),
        ("PUT /users/{id}", user.clone(), json!({ "name": "x" }), [401, 404, 403, 200]),
        ("GET /users/{id}/export", user.clone(), nil(), [401, 404, 403, 202]),
        ("POST /users/{id}/erasure", erased.clone(), nil(), [401, 404, 403, 204]),
        ("DELETE /users/{id}", user.clone(), nil(), [401, 404, 403, 204]),
        ("GET /categories/", none(), nil(), [401, 200, 200, 200]),
        ("POST /categories/", none(), kind, [401, 403, 403, 201]),
        ("GET /categories/{id}", category.clone(), nil(), [401, 404, 200, 200]),
        ("PUT /categories/{id}", category.clone(), json!({ "name": "x" }), [401, 404, 403, 200]),
        ("DELETE /categories/{id}", category.clone(), nil(), [401, 404, 403, 204]),
        ("GET /resources/", none(), nil(), [401, 200, 200, 200]),
        ("POST /resources/", none(), room, [401, 403, 403, 201]),
        ("GET /resources/{id}", resource.clone(), nil(), [401, 404, 200, 200]),
        (
            "GET /resources/{id}/availability",
            format!("{resource}?date=2027-03-05"),
            nil(),
            [401, 404, 200, 200],
        ),
        ("PUT /resources/{id}", resource.clone(), json!({ "name": "x" }), [401, 404, 403, 200]),
        ("DELETE /resources/{id}", resource.clone(), nil(), [401, 404, 403, 204]),
        ("GET /bookings/", none(), nil(), [401, 200, 200, 200]),
        ("POST /bookings/", none(), slot, [401, 403, 403, 201]),
        ("GET /bookings/{id}", b.clone(), nil(), [401, 404, 403, 200]),
        ("PUT /bookings/{id}", b.clone(), json!({ "notes": "x" }), [401, 404, 403, 200]),
        (
            "PATCH /bookings/{id}/status",
            format!("{b}?status_param=confirmado"),
            nil(),
            [401, 404, 403, 200],
        ),
        ("PATCH /bookings/{id}/cancel", b.clone(), nil(), [401, 404, 403, 200]),
        ("GET /tenants/{id}/api-keys", t.clone(), nil(), [401, 403, 403, 200]),
        ("POST /tenants/{id}/api-keys", t.clone(), integration, [401, 403, 403, 201]),
        ("GET /tenants/{id}/api-keys/{key_id}", one_key.clone(), nil(), [401, 403, 403, 200]),
        ("DELETE /tenants/{id}/api-keys/{key_id}", one_key, nil(), [401, 403, 403, 204]),
        ("POST /auth/impersonate", none(), act, [401, 403, 403, 403]),
        ("POST /auth/logout-all", none(), nil(), [401, 204, 204, 204]),
        ("POST /auth/logout", none(), nil(), [204, 204, 204, 204]),
        ("DELETE /tenants/{id}", t.clone(), nil(), [401, 403, 403, 204]),
        ("POST /tenants/", none(), tenant("novo.example", &json!({})), [201, 400, 400, 400]),
    ]
}

/// Method and path of a row: the target's ids are the path's, its query stays behind.
pub(crate) fn request(operation: &str, target: &str) -> (Method, String) {
    let (method, path) = operation.split_once(' ').unwrap();
    let (ids, query) = target.split_once('?').unwrap_or((target, ""));
    let (id, key) = ids.split_once('/').unwrap_or((ids, ""));
    let path = path.replace("{id}", id).replace("{key_id}", key);
    (method.parse().unwrap(), format!("{path}?{query}"))
}

pub(crate) async fn scene(app: &TestApp) -> Scene {
    let w = World::new(app, "matriz.example").await;
    let mut mine = w.booking("2027-03-04T13:00:00Z", "2027-03-04T14:00:00Z");
    mine["user_id"] = json!(w.admin);
    let booking = w.admin(app).post("/bookings/", mine).await.expect(201).id();
    let (user, _) = w.join(app, "sobra", "user", json!({})).await;
    let (erased, _) = w.join(app, "ninguem", "user", json!({})).await;
    let category = json!({ "tenant_id": w.tenant, "name": "Sobra", "type": "humano" });
    let category = w.admin(app).post("/categories/", category).await.expect(201).id();
    let resource = w.room(app, "Sobra").await;
    let session = login(app, &w.tenant, "ana@matriz.example").await;
    let session = crate::tokens::claims(&session)["sid"].as_str().unwrap().to_owned();
    let (key, _) = w.key(app, json!({})).await;
    Scene { w, booking, key, spare: [user, category, resource], erased, session }
}

/// Operations whose callers need a session of their own: those that end it, and those after.
fn signs_in_anew(operation: &str) -> bool {
    operation.starts_with("POST /auth/logout") || operation == "DELETE /tenants/{id}"
}

async fn every_operation_answers_each_caller_as_its_row_says(app: TestApp) {
    let scene = scene(&app).await;
    let other = World::new(&app, "alheio.example").await;
    let rows = rows(&scene);
    let found = operations(&app).await;
    let documented: BTreeSet<&str> =
        found.iter().map(|operation| operation.name.as_str()).collect();
    let covered: BTreeSet<&str> = rows.iter().map(|row| row.0).collect();
    assert_eq!(documented, covered, "every operation needs a row, and every row an operation");
    let w = &scene.w;
    let callers = [
        ("nobody", "", None),
        ("another tenant's admin", &other.admin_token, Some((&other, "ana"))),
        ("a plain user", &w.user_token, Some((w, "joao"))),
        ("the admin", &w.admin_token, Some((w, "ana"))),
    ];
    for (operation, target, body, expected) in rows {
        let (method, path) = request(operation, &target);
        for ((caller, token, account), status) in callers.iter().zip(expected) {
            // A deleted tenant's people are gone: the last row is then nobody's but a stranger's.
            let mut token = if operation == "POST /tenants/" { "" } else { *token };
            let mut fresh = String::new();
            if let (true, Some((w, name))) = (signs_in_anew(operation), account) {
                fresh = login(&app, &w.tenant, &format!("{name}@{}", w.domain)).await;
            }
            if !fresh.is_empty() {
                token = &fresh;
            }
            let answer = app.call(method.clone(), &path, token, body.clone()).await;
            assert_eq!(answer.status.as_u16(), status, "{operation} by {caller}: {}", answer.text);
        }
    }
    app.stop().await;
}

/// In the body or in the query: 403, whatever the caller may do at home.
async fn a_request_that_names_another_tenant_is_refused(app: TestApp) {
    let w = World::new(&app, "casa.example").await;
    let other = World::new(&app, "alheio.example").await;
    for token in [&w.admin_token, &w.user_token] {
        for path in ["/users/", "/categories/", "/resources/", "/bookings/"] {
            let answer = by(&app, token).get(&format!("{path}?tenant_id={}", other.tenant)).await;
            assert_eq!(answer.status.as_u16(), 403, "{path}: {}", answer.text);
        }
    }
    for (path, body) in [
        ("/users/", json!({ "name": "x", "email": "x@x.example", "user_type": "user" })),
        ("/categories/", json!({ "name": "x", "type": "fisico" })),
        ("/resources/", json!({ "name": "x", "category_id": other.category })),
        (
            "/bookings/",
            json!({
                "resource_id": other.resource, "user_id": other.user,
                "start_time": "2027-03-05T13:00:00Z", "end_time": "2027-03-05T14:00:00Z",
            }),
        ),
    ] {
        let mut body = body;
        body["tenant_id"] = json!(other.tenant);
        let answer = w.admin(&app).post(path, body).await;
        assert_eq!(answer.status.as_u16(), 403, "{path}: {}", answer.text);
    }
    for (path, field) in
        [("/resources/", &w.resource), ("/categories/", &w.category), ("/users/", &w.user)]
    {
        let edit = json!({ "tenant_id": other.tenant });
        let answer = w.admin(&app).put(&format!("{path}{field}"), edit).await;
        assert_eq!(answer.status.as_u16(), 403, "{path}: {}", answer.text);
    }
    // Nothing of either tenant shows in the other's lists.
    for path in ["/users/", "/categories/", "/resources/", "/bookings/"] {
        let list = w.admin(&app).get(path).await.expect(200);
        assert!(!list.text.contains(&other.tenant), "{path}");
    }
    app.stop().await;
}
