//! Groups: several resources at once, named or any of a category; all or none.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{booking_events, invalid, names, refused, well_refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    the_first_free_ones_by_name_are_taken,
    an_item_that_cannot_be_met_is_named,
    the_largest_rooms_are_kept_for_those_who_need_them,
    nothing_is_booked_if_one_is_taken,
    rules_and_limits_hold_for_groups,
    the_shape_of_a_group_is_judged,
    a_group_is_cancelled_as_a_whole,
    twenty_groups_race_for_two_of_three_rooms,
);

pub(crate) fn group(w: &World, hour: u32, items: &Value) -> Value {
    json!({
        "tenant_id": w.tenant, "user_id": w.user, "items": items,
        "start_time": format!("2027-03-04T{hour:02}:00:00"),
        "end_time": format!("2027-03-04T{:02}:00:00", hour + 1),
    })
}

pub(crate) async fn ask(app: &TestApp, w: &World, hour: u32, items: Value) -> Answer {
    w.user(app).post("/bookings/groups", group(w, hour, &items)).await
}

fn resources(answer: &Answer) -> Vec<String> {
    let rows = answer.body["bookings"].as_array().unwrap();
    rows.iter().map(|row| row["resource_id"].as_str().unwrap().to_owned()).collect()
}

/// One more room of the world's category that holds so many.
pub(crate) async fn room(app: &TestApp, w: &World, name: &str, capacity: u32) -> String {
    let body = json!({
        "tenant_id": w.tenant, "category_id": w.category, "name": name, "capacity": capacity,
    });
    w.admin(app).post("/resources/", body).await.expect(201).id()
}

async fn the_first_free_ones_by_name_are_taken(app: TestApp) {
    let w = World::new(&app, "grupo.example").await;
    let (b, a) = (room(&app, &w, "Sala B", 1).await, room(&app, &w, "Sala A", 1).await);
    // "Sala 1 - Spinning", "Sala A", "Sala B".
    let any = |count: u32| json!([{ "category_id": w.category, "count": count }]);
    let two = ask(&app, &w, 9, any(2)).await.expect(201);
    assert_eq!(resources(&two), [w.resource.clone(), a.clone()]);
    let id = two.body["group_id"].as_str().unwrap();
    assert!(two.body["bookings"].as_array().unwrap().iter().all(|it| it["group_id"] == id));
    let one = ask(&app, &w, 9, any(1)).await.expect(201);
    assert_eq!(resources(&one), std::slice::from_ref(&b));
    let mixed = json!([{ "category_id": w.category, "count": 2 }, { "resource_id": a }]);
    let mixed = ask(&app, &w, 11, mixed).await.expect(201);
    assert_eq!(resources(&mixed), [w.resource.clone(), b, a]);
    let list = w.user(&app).get(&format!("/bookings/?group_id={id}")).await.expect(200);
    assert_eq!(list.body.as_array().unwrap().len(), 2);
    assert_eq!(names(&booking_events(&app).await), ["booking.created"; 6]);
    app.stop().await;
}

async fn an_item_that_cannot_be_met_is_named(app: TestApp) {
    let w = World::new(&app, "falta.example").await;
    room(&app, &w, "Sala 2", 1).await;
    room(&app, &w, "Sala 3", 1).await;
    ask(&app, &w, 9, json!([{ "category_id": w.category, "count": 2 }])).await.expect(201);
    let items = json!([{ "category_id": w.category, "count": 1 }, { "category_id": w.category, "count": 2 }]);
    let answer = ask(&app, &w, 9, items).await;
    let text = "Não há recursos livres suficientes neste horário.";
    let answer = refused(answer, 409, "insufficient_resources", text);
    assert_eq!(answer.body["items"], json!([{ "item": 1, "wanted": 2, "free": 0 }]));
    assert_eq!(booking_events(&app).await.len(), 2);
    let other = World::new(&app, "vizinho.example").await;
    for category in [other.category.as_str(), "00000000-0000-7000-8000-000000000000"] {
        let answer = ask(&app, &w, 9, json!([{ "category_id": category }])).await;
        refused(answer, 404, "not_found", "Categoria não encontrada");
        let answer = ask(&app, &w, 9, json!([{ "resource_id": other.resource }])).await;
        refused(answer, 404, "not_found", "Recurso não encontrado");
    }
    app.stop().await;
}

async fn the_largest_rooms_are_kept_for_those_who_need_them(app: TestApp) {
    let w = World::new(&app, "grande.example").await;
    room(&app, &w, "Sala 2", 5).await;
    // The only room of twenty is the first by name; whoever wants any room gets the other one.
    let items = json!([
        { "category_id": w.category },
        { "category_id": w.category, "min_capacity": 20 },
    ]);
    let made = ask(&app, &w, 9, items).await.expect(201);
    assert_eq!(resources(&made)[1], w.resource);
    let large = json!([{ "category_id": w.category, "min_capacity": 21 }]);
    let answer = well_refused(ask(&app, &w, 11, large).await, 409, "insufficient_resources");
    assert_eq!(answer.body["items"], json!([{ "item": 0, "wanted": 1, "free": 0 }]));
    app.stop().await;
}

async fn nothing_is_booked_if_one_is_taken(app: TestApp) {
    let w = World::new(&app, "ocupado.example").await;
    let free = room(&app, &w, "Sala 2", 1).await;
    let taken = w.book(&app, "2027-03-04T09:00:00", "2027-03-04T10:00:00").await.expect(201).id();
    let items = json!([{ "resource_id": free }, { "resource_id": w.resource }]);
    let text = "Recurso já possui reserva neste intervalo";
    let answer = refused(ask(&app, &w, 9, items.clone()).await, 409, "conflict", text);
    assert_eq!(answer.body["conflicts"][0]["booking_id"], taken.as_str());
    assert_eq!(answer.body["items"], json!([{ "item": 1, "wanted": 1, "free": 0 }]));
    assert_eq!(answer.body["occurrences"][0]["resource_id"], w.resource.as_str());
    assert_eq!(booking_events(&app).await.len(), 1);
    ask(&app, &w, 10, items).await.expect(201);
    app.stop().await;
}

async fn rules_and_limits_hold_for_groups(app: TestApp) {
    let limits = json!({ "booking_policy": { "limits": [{ "per": "day", "bookings": 2 }] } });
    let w = World::with(&app, "regra.example", limits, json!({})).await;
    room(&app, &w, "Sala 2", 1).await;
    room(&app, &w, "Sala 3", 1).await;
    let any = |count: u32| json!([{ "category_id": w.category, "count": count }]);
    well_refused(ask(&app, &w, 3, any(1)).await, 400, "outside_working_hours");
    let answer = well_refused(ask(&app, &w, 9, any(3)).await, 400, "limit_exceeded");
    assert_eq!(answer.body["limit"], 2);
    ask(&app, &w, 9, any(2)).await.expect(201);
    well_refused(ask(&app, &w, 11, any(1)).await, 400, "limit_exceeded");
    let (_, idle) = w.join(&app, "maria", "user", json!({})).await;
    let other = group(&w, 15, &any(1));
    app.call(Method::POST, "/bookings/groups", &idle, other).await.expect(403);
    app.stop().await;
}

async fn the_shape_of_a_group_is_judged(app: TestApp) {
    let w = World::new(&app, "forma.example").await;
    let own = &w.resource;
    for (items, field) in [
        (json!([]), "items"),
        (json!([{}]), "items[0].resource_id"),
        (json!([{ "resource_id": own, "category_id": w.category }]), "items[0].resource_id"),
        (json!([{ "resource_id": own, "count": 2 }]), "items[0].count"),
        (json!([{ "resource_id": own }, { "resource_id": own }]), "items"),
        (json!([{ "category_id": w.category, "count": 21 }]), "items[0].count"),
        (json!([{ "category_id": w.category, "count": 20 }, { "resource_id": own }]), "items"),
    ] {
        invalid(ask(&app, &w, 9, items).await, &[field]);
    }
    app.stop().await;
}

async fn a_group_is_cancelled_as_a_whole(app: TestApp) {
    let mut w = World::new(&app, "cancela.example").await;
    room(&app, &w, "Sala 2", 1).await;
    let made =
        ask(&app, &w, 9, json!([{ "category_id": w.category, "count": 2 }])).await.expect(201);
    let path = format!("/bookings/groups/{}/cancel", made.body["group_id"].as_str().unwrap());
    let (_, maria) = w.join(&app, "maria", "user", json!({ "can_book": true })).await;
    crate::ask::by(&app, &maria).patch(&path, Value::Null).await.expect(403);
    let gone = w.user(&app).patch(&path, json!({ "reason": "Chuva" })).await.expect(200);
    let rows = gone.body["bookings"].as_array().unwrap();
    assert!(
        rows.len() == 2
            && rows
                .iter()
                .all(|it| it["status"] == "cancelado" && it["cancellation_reason"] == "Chuva")
    );
    w.user(&app).patch(&path, Value::Null).await.expect(200);
    assert_eq!(names(&booking_events(&app).await)[2..], ["booking.cancelled"; 2]);
    let made =
        ask(&app, &w, 9, json!([{ "category_id": w.category, "count": 2 }])).await.expect(201);
    let path = format!("/bookings/groups/{}/cancel", made.body["group_id"].as_str().unwrap());
    w.wait(&app, TimeDelta::hours(60)).await;
    let late =
        well_refused(w.user(&app).patch(&path, Value::Null).await, 400, "too_late_to_cancel");
    assert_eq!(late.body["occurrences"].as_array().unwrap().len(), 2);
    let nobodys = "/bookings/groups/00000000-0000-7000-8000-000000000000/cancel";
    refused(
        w.user(&app).patch(nobodys, Value::Null).await,
        404,
        "not_found",
        "Grupo não encontrado",
    );
    app.stop().await;
}

/// Of twenty that want two of three rooms at one time one wins; of three slots one each.
async fn twenty_groups_race_for_two_of_three_rooms(app: TestApp) {
    let w = World::new(&app, "corrida.example").await;
    room(&app, &w, "Sala 2", 1).await;
    room(&app, &w, "Sala 3", 1).await;
    let items = json!([{ "category_id": w.category, "count": 2 }]);
    let hours = [9, 11, 13];
    let asks = hours.iter().flat_map(|hour| (0..20).map(move |_| *hour));
    let asks = asks.map(|hour| {
        let (app, w, items) = (&app, &w, items.clone());
        async move { (hour, ask(app, w, hour, items).await) }
    });
    let mut won: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (hour, answer) in futures_util::future::join_all(asks).await {
        if answer.status.as_u16() == 201 {
            won.entry(hour).or_default().extend(resources(&answer));
        } else {
            let lost = well_refused(answer, 409, "insufficient_resources");
            assert_eq!(lost.body["items"], json!([{ "item": 0, "wanted": 2, "free": 1 }]));
        }
    }
    assert_eq!(won.keys().copied().collect::<Vec<_>>(), hours);
    for rooms in won.values() {
        assert!(rooms.len() == 2 && rooms.iter().collect::<BTreeSet<_>>().len() == 2, "{won:?}");
    }
    assert_eq!(booking_events(&app).await.len(), 6);
    app.stop().await;
}
