//! Check-in, no-show, and how bookings end by themselves.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use contracts::Service;
use futures_util::StreamExt as _;
use http::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{booking_events, by, names, refused, well_refused};
use crate::policy::of_resource;
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    one_comes_from_half_an_hour_before_to_the_end,
    the_door_checks_in_and_nobody_else_does,
    nobody_came_and_the_rest_is_free_again,
    what_is_over_ends_by_what_is_known_of_it,
    the_room_after_a_booking_is_kept_when_it_is_over,
    jobs_and_cancellations_leave_each_booking_in_one_state,
);

const DONE: &str = "finish bookings";

async fn booked(app: &TestApp, w: &World, start: &str, end: &str, status: &str) -> String {
    let mut body = w.booking(start, end);
    body["status"] = json!(status);
    format!("/bookings/{}", w.admin(app).post("/bookings/", body).await.expect(201).id())
}

async fn one_comes_from_half_an_hour_before_to_the_end(app: TestApp) {
    let mut w = World::new(&app, "chega.example").await;
    let path = booked(&app, &w, "2027-03-01T13:00:00Z", "2027-03-01T14:00:00Z", "confirmado").await;
    let late = booked(&app, &w, "2027-03-01T14:00:00Z", "2027-03-01T15:00:00Z", "pendente").await;
    let come = format!("{path}/check-in");
    w.wait(&app, TimeDelta::seconds(1_799)).await;
    let message = "Check-in permitido a partir de 30 minutos antes do início.";
    let answer = w.user(&app).patch(&come, Value::Null).await;
    refused(answer, 400, "too_early_to_check_in", message);
    app.clock.advance(TimeDelta::seconds(1));
    let stale = [("if-match", "\"b-7\"")];
    well_refused(w.user(&app).raw("PATCH", &come, &stale, "").await, 412, "precondition_failed");
    let here = w.user(&app).patch(&come, Value::Null).await.expect(200);
    assert_eq!(here.header("etag"), "\"b-2\"");
    assert_eq!(here.body["checked_in_at"], "2027-03-01T12:30:00Z");
    w.wait(&app, TimeDelta::hours(1)).await;
    let again = w.user(&app).raw("PATCH", &come, &stale, "").await.expect(200);
    let lasting = |body: &Value| {
        let mut body = body.clone();
        body["can_cancel"] = Value::Null;
        body
    };
    assert_eq!(lasting(&again.body), lasting(&here.body), "once is enough");
    let events = booking_events(&app).await;
    assert_eq!(names(&events), ["booking.created", "booking.created", "booking.updated"]);
    assert_eq!(crate::ask::keys(&events[2].payload["changes"]), ["checked_in_at"]);
    w.wait(&app, TimeDelta::minutes(90)).await;
    let answer = w.user(&app).patch(&format!("{late}/check-in"), Value::Null).await;
    refused(answer, 400, "too_late_to_check_in", "O horário da reserva já terminou.");
    app.stop().await;
}

async fn the_door_checks_in_and_nobody_else_does(app: TestApp) {
    let w = World::new(&app, "porta.example").await;
    let mut tokens = BTreeMap::new();
    for preset in ["scanner", "viewer", "coordinator"] {
        let (id, token) = w.join(&app, preset, "user", json!({})).await;
        w.admin(&app).put(&format!("/users/{id}"), json!({ "preset": preset })).await.expect(200);
        tokens.insert(preset, token);
    }
    app.settle().await;
    let (_, books) = w.key(&app, json!({ "can_book": true, "can_view_all_bookings": true })).await;
    tokens.insert("key", books);
    let (_, looks) = w.key(&app, json!({ "can_view_all_bookings": true })).await;
    tokens.insert("looking key", looks);
    tokens.insert("admin", w.admin_token.clone());
    for (hour, (who, token)) in (14..).zip(&tokens) {
        let start = format!("2027-03-01T{hour}:00:00Z");
        let end = format!("2027-03-01T{}:00:00Z", hour + 1);
        let path = booked(&app, &w, &start, &end, "confirmado").await;
        // Too early is what only those are told who may at all.
        let may = ["admin", "key", "scanner"].contains(who);
        let answer = by(&app, token).patch(&format!("{path}/check-in"), Value::Null).await;
        assert_eq!(answer.status.as_u16(), if may { 400 } else { 403 }, "{who}");
    }
    app.stop().await;
}

async fn nobody_came_and_the_rest_is_free_again(app: TestApp) {
    let policy = json!({ "booking_policy": { "no_show_minutes": 15 } });
    let mut w = World::with(&app, "falta.example", policy, json!({})).await;
    let (start, end) = ("2027-03-01T13:00:00Z", "2027-03-01T15:00:00Z");
    let path = booked(&app, &w, start, end, "confirmado").await;
    let other = w.room(&app, "Sala 2").await;
    let mut body = w.booking(start, end);
    (body["resource_id"], body["status"]) = (json!(other), json!("confirmado"));
    let there = w.admin(&app).post("/bookings/", body).await.expect(201).id();
    w.wait(&app, TimeDelta::hours(1)).await;
    let come = format!("/bookings/{there}/check-in");
    w.user(&app).patch(&come, Value::Null).await.expect(200);
    w.wait(&app, TimeDelta::seconds(899)).await;
    app.run_job(DONE).await.unwrap();
    assert_eq!(w.user(&app).get(&path).await.expect(200).body["status"], "confirmado");
    app.clock.advance(TimeDelta::seconds(1));
    for _ in 0..2 {
        app.run_job(DONE).await.unwrap();
    }
    let gone = w.user(&app).get(&path).await.expect(200);
    let now = (&gone.body["status"], &gone.body["version"], &gone.body["can_cancel"]);
    assert_eq!(now, (&json!("nao_compareceu"), &json!(2), &json!(false)));
    // Nobody takes it back himself.
    let undo = format!("{path}/status?status_param=concluido");
    w.user(&app).patch(&undo, Value::Null).await.expect(403);
    let here = w.user(&app).get(&format!("/bookings/{there}")).await.expect(200);
    assert_eq!(here.body["status"], "confirmado");
    let answer = w.user(&app).patch(&format!("{path}/check-in"), Value::Null).await;
    well_refused(answer, 400, "not_active");
    let events = booking_events(&app).await;
    let last = events.last().unwrap();
    assert_eq!(last.event_type, "booking.status_changed");
    assert_eq!(last.payload["new_status"], "nao_compareceu");
    assert_eq!(last.metadata.sequence, 2);
    let starts = w.starts(&app, "2027-03-01").await;
    assert!(starts.contains(&"2027-03-01T11:00:00-03:00".to_owned()), "{starts:?}");
    w.book(&app, "2027-03-01T14:00:00Z", end).await.expect(201);
    app.stop().await;
}

async fn what_is_over_ends_by_what_is_known_of_it(app: TestApp) {
    let mut w = World::new(&app, "fim.example").await;
    let at = |hour: u32| {
        (format!("2027-03-01T{hour}:00:00Z"), format!("2027-03-01T{}:00:00Z", hour + 1))
    };
    let mut paths = Vec::new();
    for (hour, status) in [(13, "confirmado"), (14, "pendente"), (15, "pendente")] {
        let (start, end) = at(hour);
        paths.push(booked(&app, &w, &start, &end, status).await);
    }
    w.wait(&app, TimeDelta::hours(3)).await;
    w.user(&app).patch(&format!("{}/check-in", paths[2]), Value::Null).await.expect(200);
    w.wait(&app, TimeDelta::seconds(3_599)).await;
    app.run_job(DONE).await.unwrap();
    let status = async |w: &World, path: &str| {
        w.user(&app).get(path).await.expect(200).body["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status(&w, &paths[0]).await, "concluido");
    assert_eq!(status(&w, &paths[1]).await, "sem_dados", "never confirmed");
    assert_eq!(status(&w, &paths[2]).await, "pendente", "not over yet");
    app.clock.advance(TimeDelta::seconds(1));
    app.run_job(DONE).await.unwrap();
    assert_eq!(status(&w, &paths[2]).await, "concluido", "somebody came");
    assert_eq!(booking_events(&app).await.len(), 7);
    app.stop().await;
}

async fn the_room_after_a_booking_is_kept_when_it_is_over(app: TestApp) {
    let half = json!({ "booking_interval": 30 });
    let mut w = World::with(&app, "limpeza.example", half, json!({})).await;
    of_resource(&app, &w, json!({ "buffer_after_minutes": 60 })).await;
    let path = booked(&app, &w, "2027-03-01T13:00:00Z", "2027-03-01T14:00:00Z", "confirmado").await;
    w.wait(&app, TimeDelta::hours(2)).await;
    app.run_job(DONE).await.unwrap();
    let next = w.book(&app, "2027-03-01T14:30:00Z", "2027-03-01T15:30:00Z").await;
    well_refused(next, 409, "conflict");
    let starts = w.starts(&app, "2027-03-01").await;
    assert_eq!(starts[0], "2027-03-01T12:00:00-03:00");
    assert_eq!(w.user(&app).get(&path).await.expect(200).body["status"], "confirmado");
    w.wait(&app, TimeDelta::hours(1)).await;
    app.run_job(DONE).await.unwrap();
    assert_eq!(w.user(&app).get(&path).await.expect(200).body["status"], "concluido");
    app.stop().await;
}

/// 200 bookings whose time is over, while everybody cancels them and the jobs end them.
async fn jobs_and_cancellations_leave_each_booking_in_one_state(app: TestApp) {
    let zero = json!({ "cancellation_hours": 0, "booking_interval": 5 });
    let mut w = World::with(&app, "juntos.example", zero, json!({})).await;
    let category = json!({
        "tenant_id": w.tenant, "name": "Turmas", "type": "fisico",
        "category_metadata": { "allows_multiple_bookings": true },
    });
    let category = w.admin(&app).post("/categories/", category).await.expect(201).id();
    let shared = json!({
        "tenant_id": w.tenant, "category_id": category, "name": "Turma", "capacity": 200,
    });
    let shared = w.admin(&app).post("/resources/", shared).await.expect(201).id();
    let mut ids = Vec::new();
    for number in 0..200 {
        let minute = 5 * (number / 2 % 12);
        let start = format!("2027-03-01T{}:{minute:02}:00Z", 13 + number / 24);
        let mut body = w.booking(&start, &start);
        let end = chrono::DateTime::parse_from_rfc3339(&start).unwrap() + TimeDelta::minutes(5);
        body["end_time"] = json!(end.to_rfc3339());
        if number % 2 == 0 {
            body["resource_id"] = json!(shared);
        }
        body["status"] = json!(if number % 3 == 0 { "pendente" } else { "confirmado" });
        ids.push(w.admin(&app).post("/bookings/", body).await.expect(201).id());
    }
    w.wait(&app, TimeDelta::hours(10)).await;
    let (front, token) = (&app, &w.admin_token);
    let cancels = ids.iter().map(|id| async move {
        let path = format!("/bookings/{id}/cancel");
        loop {
            let answer = front.call(Method::PATCH, &path, token, Value::Null).await;
            // On a busy machine a lock may take too long: nothing was written.
            if answer.status.as_u16() != 503 {
                return answer.status.as_u16();
            }
        }
    });
    let jobs = (0..6).map(|_| async {
        tokio::task::yield_now().await;
        // The same may happen to a job, which comes again.
        let _ = app.run_job(DONE).await;
    });
    let (cancelled, _) = futures_util::future::join(
        futures_util::stream::iter(cancels).buffered(16).collect::<Vec<u16>>(),
        futures_util::future::join_all(jobs),
    )
    .await;
    app.run_job(DONE).await.unwrap();
    for (id, status) in ids.iter().zip(cancelled) {
        let seen = w.admin(&app).get(&format!("/bookings/{id}")).await.expect(200);
        let state = seen.body["status"].as_str().unwrap();
        let expected: &[&str] =
            if status == 200 { &["cancelado"] } else { &["concluido", "sem_dados"] };
        assert!(matches!(status, 200 | 400) && expected.contains(&state), "{status} {state}");
        assert_eq!(seen.body["version"], 2);
    }
    let mut sequences: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for event in booking_events(&app).await {
        let id = event.metadata.aggregate_id.to_string();
        sequences.entry(id).or_default().push(event.metadata.sequence);
    }
    assert_eq!(sequences.len(), 200);
    assert!(sequences.values().all(|found| *found == [1, 2]), "{sequences:?}");
    let left = app.execute(Service::Booking, "DELETE FROM capacity_usage").await;
    assert_eq!(left, 0, "the sums are those of no booking");
    app.stop().await;
}
