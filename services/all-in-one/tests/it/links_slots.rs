//! Where a booking can be moved by its link: what is listed can be had.

use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{by, invalid, well_refused};
use crate::links::{booked, make_link, to};
use crate::policy::{hour, of_tenant};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    every_listed_slot_can_be_moved_to,
    only_who_may_move_is_told,
    a_day_is_asked_for_as_of_availability,
);

const DAY: &str = "2027-03-04";

/// Starts on the clock of the tenant.
fn starts(answer: &Answer) -> Vec<String> {
    let rows = answer.body["slots"].as_array().unwrap();
    rows.iter().map(|row| row["start_time"].as_str().unwrap()[11..16].to_owned()).collect()
}

async fn every_listed_slot_can_be_moved_to(app: TestApp) {
    let w = World::new(&app, "livres.example").await;
    let (_, link) = booked(&app, &w).await;
    for at in [6, 12, 13] {
        hour(&app, &w, DAY, at).await.expect(201);
    }
    let path = format!("{}/slots?date={DAY}", link.path);
    let free = app.get(&path).await.expect(200);
    assert_eq!(
        (&free.body["date"], &free.body["timezone"]),
        (&json!(DAY), &json!("America/Sao_Paulo"))
    );
    // Its own place is one of them, 10:00 there.
    let listed = starts(&free);
    let expected = [7, 8, 9, 10, 11].into_iter().chain(14..22);
    assert_eq!(listed, expected.map(|at| format!("{at:02}:00")).collect::<Vec<_>>());
    for slot in free.body["slots"].as_array().unwrap() {
        let (start, end) =
            (slot["start_time"].as_str().unwrap(), slot["end_time"].as_str().unwrap());
        app.put(&link.path, to(start, end)).await.expect(200);
    }
    assert_eq!(starts(&app.get(&path).await.expect(200)), listed);
    // What is not listed is refused.
    for at in ["06:00", "12:00", "13:00"] {
        let time = to(&format!("{DAY}T{at}:00"), &format!("{DAY}T{}:59:00", &at[..2]));
        assert!(app.put(&link.path, time).await.status.is_client_error());
    }
    app.stop().await;
}

async fn only_who_may_move_is_told(app: TestApp) {
    let w = World::new(&app, "mover.example").await;
    let (booking, link) = booked(&app, &w).await;
    let looks = make_link(w.user(&app), &booking, json!({ "allow": ["cancel"] })).await;
    let of = |path: &str| format!("{path}/slots?date={DAY}");
    well_refused(app.get(&of(&looks.path)).await, 403, "link_forbids");
    let made_up = link.path.replace("ml_", "ml_A");
    well_refused(app.get(&of(&made_up[..made_up.len() - 1])).await, 404, "not_found");
    // Whoever asks is nobody: a token of another changes nothing.
    let other = World::new(&app, "outro.example").await;
    by(&app, &other.user_token).get(&of(&link.path)).await.expect(200);
    w.user(&app).patch(&format!("/bookings/{booking}/cancel"), Value::Null).await.expect(200);
    well_refused(app.get(&of(&link.path)).await, 400, "not_active");
    app.stop().await;
}

async fn a_day_is_asked_for_as_of_availability(app: TestApp) {
    let w = World::new(&app, "data.example").await;
    let (_, link) = booked(&app, &w).await;
    let ask = async |query: &str| app.get(&format!("{}/slots{query}", link.path)).await;
    for query in ["", "?date=2027-3-4", "?date=amanha"] {
        invalid(ask(query).await, &["date"]);
    }
    well_refused(ask("?date=2027-02-28").await, 400, "date_in_past");
    well_refused(ask("?date=2028-03-04").await, 400, "too_far_ahead");
    of_tenant(&app, &w, json!({ "min_notice_minutes": 72 * 60 })).await;
    assert_eq!(starts(&ask("?date=2027-03-04").await.expect(200))[0], "09:00");
    assert!(starts(&ask("?date=2027-03-03").await.expect(200)).is_empty());
    app.stop().await;
}
