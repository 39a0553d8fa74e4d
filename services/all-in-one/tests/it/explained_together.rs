//! Why bookings that are made or moved together are refused, and what could be had instead.

use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{refused, well_refused};
use crate::explained::{because, instead, take_them};
use crate::groups::{ask, group, room};
use crate::policy::hour;
use crate::series::{make, series};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    an_occurrence_tells_what_is_free_near_it,
    the_first_twenty_occurrences_are_explained,
    an_occurrence_that_cannot_move_tells_where_it_could,
    a_group_tells_when_all_of_it_is_free,
    a_group_outside_the_rules_tells_when_it_is_inside,
);

/// One of the refused occurrences of an answer, read like a refusal of its own.
fn one(answer: &Answer, list: &str, at: usize) -> Answer {
    let mut one = answer.clone();
    one.body = answer.body[list][at].clone();
    one
}

async fn an_occurrence_tells_what_is_free_near_it(app: TestApp) {
    let w = World::new(&app, "ocorrencia.example").await;
    hour(&app, &w, "2027-03-09", 10).await.expect(201);
    let weekly = |mode: &str| {
        let mut body = series(&w, 10, "FREQ=WEEKLY;COUNT=3");
        body["mode"] = json!(mode);
        body
    };
    let all = well_refused(make(&app, &w, weekly("fail")).await, 409, "conflict");
    let preview = make(&app, &w, weekly("preview")).await.expect(200);
    let skipped = make(&app, &w, weekly("skip")).await.expect(201);
    let (until, near) = ("2027-03-09T11:00:00-03:00", "2027-03-09");
    for told in
        [one(&all, "occurrences", 0), one(&preview, "skipped", 0), one(&skipped, "skipped", 0), all]
    {
        because(&told, "busy", "conflict", Some(until));
        assert_eq!(instead(&told), ["09:00", "11:00", "08:00"].map(|at| format!("{near}T{at}")));
    }
    assert_eq!(preview.body["skipped"].as_array().unwrap().len(), 1);
    take_them(&app, &w, &one(&skipped, "skipped", 0)).await;
    app.stop().await;
}

async fn the_first_twenty_occurrences_are_explained(app: TestApp) {
    let w = World::new(&app, "vinte.example").await;
    let night = make(&app, &w, series(&w, 3, "FREQ=DAILY;COUNT=25")).await;
    let night = well_refused(night, 400, "outside_working_hours");
    let all = night.body["occurrences"].as_array().unwrap();
    let explained = |it: &&Value| it["explanation"].is_object() && it["alternatives"].is_array();
    assert_eq!(all.len(), 25);
    assert_eq!(all.iter().take(20).filter(explained).count(), 20);
    assert_eq!(all.iter().filter(explained).count(), 20);
    because(&night, "open", "outside_working_hours", Some("2027-03-02T06:00:00-03:00"));
    app.stop().await;
}

async fn an_occurrence_that_cannot_move_tells_where_it_could(app: TestApp) {
    let w = World::new(&app, "mudanca.example").await;
    let made = make(&app, &w, series(&w, 9, "FREQ=DAILY;COUNT=2")).await.expect(201);
    hour(&app, &w, "2027-03-03", 11).await.expect(201);
    let id = made.body["bookings"][0]["id"].as_str().unwrap();
    let body = json!({
        "start_time": "2027-03-02T11:00:00", "end_time": "2027-03-02T12:00:00",
    });
    let answer = w.user(&app).put(&format!("/bookings/{id}?scope=all"), body).await;
    let answer = one(&well_refused(answer, 409, "conflict"), "occurrences", 0);
    assert_eq!(answer.body["booking_id"], made.body["bookings"][1]["id"]);
    because(&answer, "busy", "conflict", Some("2027-03-03T12:00:00-03:00"));
    // Around where it should go; where it lies itself would be no change at all, but can be had.
    let near = ["10:00", "12:00", "09:00"].map(|at| format!("2027-03-03T{at}"));
    assert_eq!(instead(&answer), near);
    app.stop().await;
}

async fn a_group_tells_when_all_of_it_is_free(app: TestApp) {
    let w = World::new(&app, "juntos.example").await;
    let other = room(&app, &w, "Sala 2", 1).await;
    let two = json!([{ "category_id": w.category, "count": 2 }]);
    let book = async |resource: &str, at: u32| {
        ask(&app, &w, at, json!([{ "resource_id": resource }])).await.expect(201);
    };
    book(&w.resource, 9).await;
    book(&other, 11).await;
    let text = "Não há recursos livres suficientes neste horário.";
    let answer = refused(ask(&app, &w, 9, two.clone()).await, 409, "insufficient_resources", text);
    because(&answer, "busy", "insufficient_resources", None);
    let near = ["08:00", "10:00", "07:00"].map(|at| format!("2027-03-04T{at}"));
    assert_eq!(instead(&answer), near);
    for at in answer.body["alternatives"].as_array().unwrap() {
        let mut body = group(&w, 9, &two);
        (body["start_time"], body["end_time"]) = (at["start_time"].clone(), at["end_time"].clone());
        w.user(&app).post("/bookings/groups", body).await.expect(201);
    }
    // A named one: it says by itself why, and the whole when it could be.
    let named = json!([{ "resource_id": w.resource }, { "resource_id": other }]);
    let answer = well_refused(ask(&app, &w, 11, named).await, 409, "conflict");
    because(&one(&answer, "occurrences", 0), "busy", "conflict", Some("2027-03-04T12:00:00-03:00"));
    let near = ["12:00", "13:00", "14:00"].map(|at| format!("2027-03-04T{at}"));
    assert_eq!(instead(&answer), near);
    app.stop().await;
}

async fn a_group_outside_the_rules_tells_when_it_is_inside(app: TestApp) {
    let limits = json!({ "booking_policy": { "limits": [{ "per": "day", "bookings": 1 }] } });
    let w = World::with(&app, "cedo.example", limits, json!({})).await;
    room(&app, &w, "Sala 2", 1).await;
    let any = |count: u32| json!([{ "category_id": w.category, "count": count }]);
    let early = well_refused(ask(&app, &w, 3, any(1)).await, 400, "outside_working_hours");
    because(&early, "open", "outside_working_hours", Some("2027-03-04T06:00:00-03:00"));
    assert_eq!(instead(&early)[0], "2027-03-04T06:00");
    let many = well_refused(ask(&app, &w, 9, any(2)).await, 400, "limit_exceeded");
    because(&many, "policy", "limit_exceeded", None);
    assert!(instead(&many).is_empty());
    app.stop().await;
}
