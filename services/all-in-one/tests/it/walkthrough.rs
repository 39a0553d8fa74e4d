//! The contract's walk-through (§10), as printed, in optional mode.

use serde_json::json;
use testkit::app::TestApp;

use crate::ask::{by, refused};
use crate::world::{World, tenant};

testkit::on_both_engines!(crate::world::open => the_walk_through_runs_as_printed, in_open_mode_a_token_is_judged_all_the_same);

async fn the_walk_through_runs_as_printed(app: TestApp) {
    let academy =
        app.post("/tenants/", tenant("academia-fit.example", &json!({}))).await.expect(201).id();
    let joao = json!({
        "tenant_id": academy, "name": "João Silva", "email": "joao@example.com", "user_type": "user",
        "permissions": { "can_book": true },
    });
    let joao = app.post("/users/", joao).await.expect(201).id();
    let rooms = json!({
        "tenant_id": academy, "name": "Salas de Aula", "type": "fisico", "icon": "room", "color": "#4CAF50",
    });
    let rooms = app.post("/categories/", rooms).await.expect(201).id();
    let room = json!({
        "tenant_id": academy, "category_id": rooms, "name": "Sala 1 - Spinning", "capacity": 20,
    });
    let room = app.post("/resources/", room).await.expect(201).id();
    let booking = |start: &str, end: &str| {
        json!({
            "tenant_id": academy, "resource_id": room, "user_id": joao, "client_id": joao,
            "start_time": start, "end_time": end,
        })
    };
    let made = app
        .post("/bookings/", booking("2027-03-06T14:00:00Z", "2027-03-06T15:00:00Z"))
        .await
        .expect(201);
    assert_eq!(made.body["status"], "pendente");
    let first = made.id();
    let refused = app
        .post("/bookings/", booking("2027-03-06T14:30:00Z", "2027-03-06T15:30:00Z"))
        .await
        .expect(409);
    assert_eq!(refused.body["conflicts"][0]["booking_id"], first.as_str());
    assert_eq!(refused.message(), "Recurso já possui reserva neste intervalo");
    let list = app.get(&format!("/bookings/?tenant_id={academy}")).await.expect(200);
    assert_eq!(list.body.as_array().map(Vec::len), Some(1));
    assert_eq!(list.body[0]["can_cancel"], true);
    app.stop().await;
}

/// §2: without a token an unrestricted developer, with one what the token says.
async fn in_open_mode_a_token_is_judged_all_the_same(app: TestApp) {
    let w = World::new(&app, "aberta.example").await;
    let other = World::new(&app, "outra.example").await;
    for path in [format!("/users/{}", w.user), format!("/tenants/{}/settings", w.tenant)] {
        app.get(&path).await.expect(200);
        let garbage = by(&app, "lixo").get(&path).await;
        refused(garbage, 401, "unauthorized", "Token inválido ou expirado.");
        w.admin(&app).get(&path).await.expect(200);
        let foreign = other.admin(&app).get(&path).await.status.as_u16();
        assert!(matches!(foreign, 403 | 404), "{path}: {foreign}");
    }
    w.user(&app).get("/users/").await.expect(403);
    app.get("/users/").await.expect(200);
    w.user(&app).delete(&format!("/resources/{}", w.resource)).await.expect(403);
    app.delete(&format!("/resources/{}", w.resource)).await.expect(204);
    app.stop().await;
}
