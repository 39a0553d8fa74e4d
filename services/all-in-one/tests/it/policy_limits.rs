//! The most one person may have: bookings or hours of a day, a week or a month, and open ones at once, of
//! a tenant, a category or a resource.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::app::TestApp;
use tokio::task::JoinSet;

use crate::policy::{by_rule, cancel, day, hour, of_category, of_resource, of_tenant};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    nobody_has_more_than_the_limits_of_each_period,
    each_level_counts_its_own_bookings,
    moving_and_coming_back_count_as_well,
    a_limit_is_never_exceeded_by_a_race,
);

/// Monday, 1 March 2027: the week and the month begin, and 31 March is a Wednesday.
async fn nobody_has_more_than_the_limits_of_each_period(app: TestApp) {
    let w = World::new(&app, "limites.example").await;
    let limit = async |limit: Value| of_tenant(&app, &w, json!({ "limits": [limit] })).await;
    let code = "limit_exceeded";
    let mut made = Vec::new();
    limit(json!({ "per": "day", "bookings": 2 })).await;
    for at in [10, 11] {
        made.push(hour(&app, &w, "2027-03-02", at).await.expect(201));
    }
    by_rule(hour(&app, &w, "2027-03-02", 12).await, code, "Limite de 2 reservas por dia.", 2);
    made.push(hour(&app, &w, "2027-03-03", 12).await.expect(201));
    limit(json!({ "per": "week", "bookings": 4 })).await;
    made.push(hour(&app, &w, "2027-03-07", 21).await.expect(201));
    by_rule(hour(&app, &w, "2027-03-01", 21).await, code, "Limite de 4 reservas por semana.", 4);
    made.push(hour(&app, &w, "2027-03-08", 6).await.expect(201));
    limit(json!({ "per": "month", "bookings": 5 })).await;
    by_rule(hour(&app, &w, "2027-03-30", 6).await, code, "Limite de 5 reservas por mês.", 5);
    limit(json!({ "per": "open", "bookings": 5 })).await;
    by_rule(hour(&app, &w, "2027-03-30", 6).await, code, "Limite de 5 reservas em aberto.", 5);
    // What is cancelled or has failed no longer counts.
    cancel(&app, &w, &made.pop().unwrap()).await;
    cancel(&app, &w, &made.pop().unwrap()).await;
    limit(json!({ "per": "day", "hours": 3 })).await;
    let three = ("2027-03-10T10:00:00", "2027-03-10T13:00:00");
    w.book(&app, three.0, three.1).await.expect(201);
    by_rule(hour(&app, &w, "2027-03-10", 14).await, code, "Limite de 3 horas por dia.", 3);
    let four = w.book(&app, "2027-03-11T10:00:00", "2027-03-11T14:00:00").await;
    by_rule(four, code, "Limite de 3 horas por dia.", 3);
    for (per, text) in [("week", "por semana"), ("month", "por mês"), ("open", "em aberto")] {
        limit(json!({ "per": per, "hours": 3 })).await;
        let text = format!("Limite de 3 horas {text}.");
        by_rule(hour(&app, &w, "2027-03-12", 6).await, code, &text, 3);
    }
    // Somebody else has limits of their own, whoever books for them.
    let mut body = w.booking("2027-03-12T10:00:00", "2027-03-12T11:00:00");
    body["user_id"] = json!(w.admin);
    w.admin(&app).post("/bookings/", body.clone()).await.expect(201);
    body["user_id"] = json!(w.user);
    (body["start_time"], body["end_time"]) =
        (json!("2027-03-12T12:00:00"), json!("2027-03-12T13:00:00"));
    assert_eq!(w.admin(&app).post("/bookings/", body).await.code(), code);
    app.stop().await;
}

async fn each_level_counts_its_own_bookings(app: TestApp) {
    let w = World::new(&app, "conta-niveis.example").await;
    let second = w.room(&app, "Sala 2").await;
    let kind = json!({ "tenant_id": w.tenant, "name": "Quadras", "type": "fisico" });
    let kind = w.admin(&app).post("/categories/", kind).await.expect(201).id();
    let court = json!({ "tenant_id": w.tenant, "category_id": kind, "name": "Quadra" });
    let court = w.admin(&app).post("/resources/", court).await.expect(201).id();
    let book = async |resource: &str, at: u32| {
        let (start, end) = day("2027-03-02", at);
        let mut body = w.booking(&start, &end);
        body["resource_id"] = json!(resource);
        w.user(&app).post("/bookings/", body).await
    };
    of_resource(&app, &w, json!({ "limits": [{ "per": "day", "bookings": 1 }] })).await;
    of_category(&app, &w, json!({ "limits": [{ "per": "day", "bookings": 3 }] })).await;
    of_tenant(&app, &w, json!({ "limits": [{ "per": "day", "bookings": 4 }] })).await;
    let message = |most: u32| format!("Limite de {most} reservas por dia.");
    book(&w.resource, 6).await.expect(201);
    by_rule(book(&w.resource, 7).await, "limit_exceeded", &message(1), 1);
    book(&second, 7).await.expect(201);
    book(&second, 8).await.expect(201);
    by_rule(book(&second, 9).await, "limit_exceeded", &message(3), 3);
    book(&court, 9).await.expect(201);
    by_rule(book(&court, 10).await, "limit_exceeded", &message(4), 4);
    // A conflict is told before a limit.
    assert_eq!(book(&second, 8).await.code(), "conflict");
    app.stop().await;
}

async fn moving_and_coming_back_count_as_well(app: TestApp) {
    let w =
        World::with(&app, "desvio.example", json!({ "cancellation_hours": 0 }), json!({})).await;
    of_tenant(&app, &w, json!({ "limits": [{ "per": "day", "bookings": 1 }] })).await;
    let tuesday = hour(&app, &w, "2027-03-02", 10).await.expect(201).id();
    let wednesday = hour(&app, &w, "2027-03-03", 10).await.expect(201).id();
    let to = |date: &str, at: u32| {
        let (start, end) = day(date, at);
        json!({ "start_time": start, "end_time": end })
    };
    let path = format!("/bookings/{wednesday}");
    w.user(&app).put(&path, to("2027-03-03", 14)).await.expect(200);
    let moved = w.user(&app).put(&path, to("2027-03-02", 14)).await;
    by_rule(moved, "limit_exceeded", "Limite de 1 reservas por dia.", 1);
    // Cancelled, another one made, and then the first one back.
    let first = format!("/bookings/{tuesday}/status?status_param=");
    w.user(&app).patch(&format!("{first}cancelado"), Value::Null).await.expect(200);
    let other = hour(&app, &w, "2027-03-02", 18).await.expect(201);
    let back = w.user(&app).patch(&format!("{first}pendente"), Value::Null).await;
    by_rule(back, "limit_exceeded", "Limite de 1 reservas por dia.", 1);
    cancel(&app, &w, &other).await;
    w.user(&app).patch(&format!("{first}pendente"), Value::Null).await.expect(200);
    app.stop().await;
}

/// Twelve at once, on rooms of their own, where three are allowed; by bookings and by hours.
async fn a_limit_is_never_exceeded_by_a_race(app: TestApp) {
    let settings = json!({ "cancellation_hours": 0 });
    let w = World::with(&app, "disputa.example", settings, json!({})).await;
    let mut rooms = Vec::new();
    for number in 0..12 {
        rooms.push(w.room(&app, &format!("Sala {number}")).await);
    }
    let (app, w) = (Arc::new(app), Arc::new(w));
    for (date, limit) in [
        ("2027-03-02", json!({ "per": "day", "bookings": 3 })),
        ("2027-03-09", json!({ "per": "week", "bookings": 3 })),
        ("2027-03-16", json!({ "per": "day", "hours": 3 })),
        ("2027-03-23", json!({ "per": "week", "hours": 3 })),
    ] {
        for level in 0..3 {
            let (none, some) = (json!({}), json!({ "limits": [limit] }));
            let of = |wanted: usize| if wanted == level { some.clone() } else { none.clone() };
            of_tenant(&app, &w, of(0)).await;
            of_category(&app, &w, of(1)).await;
            of_resource(&app, &w, of(2)).await;
            let mut tasks = JoinSet::new();
            for (number, room) in (0u32..).zip(rooms.clone()) {
                let (app, w) = (app.clone(), w.clone());
                // Of one resource the hours differ; of the others they need not.
                let at = if level == 2 { 7 + number } else { 10 };
                let (start, end) = day(date, at);
                let mut body = w.booking(&start, &end);
                if level < 2 {
                    body["resource_id"] = json!(room);
                }
                tasks.spawn(async move { w.user(&app).post("/bookings/", body).await });
            }
            let mut made = Vec::new();
            while let Some(answer) = tasks.join_next().await {
                let answer = answer.unwrap();
                match answer.status.as_u16() {
                    201 => made.push(answer),
                    _ => assert_eq!(answer.code(), "limit_exceeded", "{}", answer.text),
                }
            }
            assert_eq!(made.len(), 3, "{limit} of level {level}");
            for booking in made {
                cancel(&app, &w, &booking).await;
            }
        }
    }
    Arc::into_inner(app).unwrap().stop().await;
}
