//! The contract's walk-through (§10), as printed, through nginx.

use crate::api::Api;
use crate::cluster::Cluster;
use crate::figures::beside_others;
use crate::world::{category, date, domain, resource, tenant};
use serde_json::json;

#[tokio::test]
async fn the_walk_through_runs_as_printed() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    walk(&cluster.api()).await;
    cluster.assert_no_errors();
}

/// The seven steps; also for the all-in-one.
pub(crate) async fn walk(api: &Api) {
    let tenant = api.post("/tenants/", tenant(&domain(), &json!({}))).await.expect(201).id();
    let user = json!({
        "tenant_id": tenant, "name": "João Silva", "email": "joao@example.com",
        "user_type": "user", "permissions": { "can_book": true },
    });
    let user = api.post("/users/", user).await.expect(201).id();
    let category = api.post("/categories/", category(&tenant)).await.expect(201).id();
    let resource = api.post("/resources/", resource(&tenant, &category)).await.expect(201).id();
    let day = date(5);
    let booking = |start: &str, end: &str| {
        json!({
            "tenant_id": tenant, "resource_id": resource, "user_id": user, "client_id": user,
            "start_time": format!("{day}T{start}:00Z"), "end_time": format!("{day}T{end}:00Z"),
        })
    };
    let booked = api.post("/bookings/", booking("14:00", "15:00")).await.expect(201);
    assert_eq!(booked.body["status"], "pendente");
    let refused = api.post("/bookings/", booking("14:30", "15:30")).await.expect(409);
    assert_eq!(refused.error(), "conflict");
    assert_eq!(refused.body["message"], "Recurso já possui reserva neste intervalo");
    let conflicts = refused.body["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0]["booking_id"], booked.body["id"]);
    let list = api.get(&format!("/bookings/?tenant_id={tenant}")).await.expect(200);
    let list = list.body.as_array().unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["id"], booked.body["id"]);
    assert_eq!(list[0]["can_cancel"], true);
}
