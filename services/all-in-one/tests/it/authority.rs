//! The other half of the matrix: what each operation answers to an API key without any scope, to one
//! with all of them, and to a platform operator. A new operation fails here until it has its line.

use std::collections::BTreeMap;

use serde_json::json;
use testkit::app::TestApp;

use crate::matrix::{request, rows, scene};
use crate::world::operator;

testkit::on_both_engines!(crate::world::guarded =>
    every_operation_answers_keys_and_operators_as_its_line_says,
);

/// Statuses for a key without a scope, a key with every scope, and an operator.
const LINES: &[(&str, [u16; 3])] = &[
    ("GET /auth/.well-known/jwks.json", [200, 200, 200]),
    ("GET /tenants/", [200, 200, 200]),
    ("GET /tenants/{id}", [200, 200, 200]),
    ("GET /tenants/{id}/settings", [200, 200, 200]),
    ("PUT /tenants/{id}", [403, 403, 200]),
    ("PUT /tenants/{id}/settings", [403, 403, 403]),
    ("POST /users/login", [401, 401, 401]),
    // A key is nobody: there is no record of it.
    ("GET /users/me", [404, 404, 403]),
    ("GET /users/", [403, 200, 403]),
    // The body asks for an admin.
    ("POST /users/", [403, 403, 403]),
    ("GET /users/{id}", [403, 200, 403]),
    ("PUT /users/{id}", [403, 200, 403]),
    ("DELETE /users/{id}", [403, 403, 403]),
    // Only in person.
    ("GET /users/{id}/export", [403, 403, 403]),
    ("POST /users/{id}/erasure", [403, 403, 403]),
    ("GET /categories/", [200, 200, 403]),
    ("POST /categories/", [403, 201, 403]),
    ("GET /categories/{id}", [200, 200, 403]),
    ("PUT /categories/{id}", [403, 200, 403]),
    ("DELETE /categories/{id}", [403, 204, 403]),
    ("GET /resources/", [200, 200, 403]),
    ("POST /resources/", [403, 201, 403]),
    ("GET /resources/{id}", [200, 200, 403]),
    ("GET /resources/{id}/availability", [200, 200, 403]),
    ("PUT /resources/{id}", [403, 200, 403]),
    ("DELETE /resources/{id}", [403, 204, 403]),
    ("GET /bookings/", [200, 200, 403]),
    ("POST /bookings/", [403, 201, 403]),
    ("GET /bookings/{id}", [403, 200, 403]),
    ("PUT /bookings/{id}", [403, 200, 403]),
    // Only admins confirm.
    ("PATCH /bookings/{id}/status", [403, 403, 403]),
    ("PATCH /bookings/{id}/cancel", [403, 200, 403]),
    ("GET /tenants/{id}/api-keys", [403, 403, 403]),
    ("POST /tenants/{id}/api-keys", [403, 403, 403]),
    ("GET /tenants/{id}/api-keys/{key_id}", [403, 403, 403]),
    ("DELETE /tenants/{id}/api-keys/{key_id}", [403, 403, 403]),
    ("POST /auth/impersonate", [403, 403, 200]),
    ("DELETE /tenants/{id}", [403, 403, 204]),
    // Nobody's token is looked at: the first makes it, the others come too late.
    ("POST /tenants/", [201, 400, 400]),
];

async fn every_operation_answers_keys_and_operators_as_its_line_says(app: TestApp) {
    let scene = scene(&app).await;
    let (_, without) = scene.w.key(&app, json!({})).await;
    let all = json!({
        "can_book": true, "can_manage_resources": true, "can_manage_users": true,
        "can_view_all_bookings": true,
    });
    let (_, with) = scene.w.key(&app, all).await;
    let (_, operator) = operator(&app, "olga@marca.example").await;
    let callers =
        [("a key without scopes", &without), ("a key with all", &with), ("an operator", &operator)];
    let mut lines: BTreeMap<&str, [u16; 3]> = LINES.iter().copied().collect();
    for (operation, target, body, _) in rows(&scene) {
        let expected = lines.remove(operation).unwrap_or_else(|| panic!("{operation} has no line"));
        let (method, path) = request(operation, &target);
        for ((caller, token), status) in callers.iter().zip(expected) {
            let answer = app.call(method.clone(), &path, token, body.clone()).await;
            assert_eq!(answer.status.as_u16(), status, "{operation} by {caller}: {}", answer.text);
            assert!(!answer.text.contains("Olga"), "{operation}: {}", answer.text);
        }
    }
    assert!(lines.is_empty(), "lines of no operation: {lines:?}");
    app.stop().await;
}
