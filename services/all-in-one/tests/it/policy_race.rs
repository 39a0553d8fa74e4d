//! Limits of each person while many ask at once.

use std::sync::Arc;

use serde_json::json;
use testkit::app::TestApp;
use tokio::task::JoinSet;

use crate::policy::{cancel, day, of_category, of_resource, of_tenant};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    a_limit_is_never_exceeded_by_a_race,
);

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
