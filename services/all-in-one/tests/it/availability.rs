//! `GET /resources/{id}/availability`: its steps in order, and what moves it.

use chrono::{TimeDelta, TimeZone as _, Utc};
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, invalid, keys, refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    the_steps_are_judged_in_order,
    a_day_has_whole_slots_on_the_grid,
    days_are_the_tenants,
    today_shows_only_what_is_to_come,
    bookings_take_slots_and_give_them_back,
    settings_and_the_resource_move_the_day,
    the_answer_is_the_same_for_everyone,
);

async fn the_steps_are_judged_in_order(app: TestApp) {
    let w = World::new(&app, "passos.example").await;
    let user = w.user(&app);
    let closed = w.room(&app, "Fechada").await;
    let edit = json!({ "status": "manutencao" });
    w.admin(&app).put(&format!("/resources/{closed}"), edit).await.expect(200);
    let at = |id: &str, query: &str| format!("/resources/{id}/availability{query}");
    let missing = "00000000-0000-7000-8000-000000000000";
    for query in ["?date=ontem", "", "?date=2020-01-01"] {
        refused(user.get(&at(missing, query)).await, 404, "not_found", "Recurso não encontrado");
    }
    for bad in ["ontem", "2027-3-2", "02/03/2027", "2027-02-30", "2027-03-02T10:00", ""] {
        refused(
            user.get(&at(&closed, &format!("?date={bad}"))).await,
            400,
            "invalid_date",
            "Data inválida. Use o formato YYYY-MM-DD.",
        );
    }
    invalid(user.get(&at(&closed, "")).await, &["date"]);
    for date in ["2020-01-01", "2027-03-02", "2099-01-01"] {
        let answer = user.get(&at(&closed, &format!("?date={date}"))).await;
        refused(answer, 400, "resource_unavailable", "Recurso indisponível para reservas.");
    }
    let past = user.get(&at(&w.resource, "?date=2027-02-28")).await;
    refused(past, 400, "date_in_past", "Data deve ser igual ou posterior a hoje.");
    let far = user.get(&at(&w.resource, "?date=2027-04-01")).await;
    let text = "Consultas de disponibilidade limitadas a 30 dias de antecedência.";
    refused(far, 400, "too_far_ahead", text);
    user.get(&at(&w.resource, "?date=2027-03-31")).await.expect(200);
    user.get(&at(&w.resource, "?data=2027-03-02")).await.expect(200);
    by(&app, "").get(&at(&w.resource, "?date=2027-03-02")).await.expect(401);
    app.stop().await;
}

async fn a_day_has_whole_slots_on_the_grid(app: TestApp) {
    let settings = json!({
        "working_hours_start": "08:10", "working_hours_end": "12:00", "booking_interval": 45,
    });
    let schedule = json!({ "tuesday": ["07:00-09:40", "10:00-23:00"] });
    let w = World::with(&app, "grade.example", settings, schedule).await;
    let day = w.day(&app, "2027-03-02").await.expect(200);
    assert_eq!(keys(&day.body), ["date", "resource_id", "slots", "tenant_id", "timezone"]);
    assert_eq!(day.body["date"], "2027-03-02");
    assert_eq!(day.body["timezone"], "America/Sao_Paulo");
    assert_eq!(day.body["resource_id"], w.resource.as_str());
    assert_eq!(day.body["tenant_id"], w.tenant.as_str());
    let slot = |start: &str, end: &str| {
        json!({
            "start_time": format!("2027-03-02T{start}:00-03:00"),
            "end_time": format!("2027-03-02T{end}:00-03:00"),
        })
    };
    // 09:40 and 10:25 are on the grid of 08:10; 09:40 to 10:25 leaves the schedule.
    let slots = json!([
        slot("08:10", "08:55"),
        slot("08:55", "09:40"),
        slot("10:25", "11:10"),
        slot("11:10", "11:55")
    ]);
    assert_eq!(day.body["slots"], slots);
    assert_eq!(w.day(&app, "2027-03-03").await.expect(200).body["slots"], json!([]));
    app.stop().await;
}

/// Monday 21:30 in São Paulo is Tuesday 00:30 in UTC.
async fn days_are_the_tenants(app: TestApp) {
    let mut w = World::new(&app, "dia.example").await;
    let late = Utc.with_ymd_and_hms(2027, 3, 2, 0, 30, 0).unwrap();
    w.wait(&app, late - testkit::app::epoch()).await;
    w.day(&app, "2027-02-28").await.expect(400);
    assert_eq!(w.starts(&app, "2027-03-01").await, Vec::<String>::new());
    assert_eq!(w.starts(&app, "2027-03-02").await.len(), 16);
    // Thirty days from the local Monday.
    w.day(&app, "2027-03-31").await.expect(200);
    w.day(&app, "2027-04-01").await.expect(400);
    w.wait(&app, TimeDelta::hours(3)).await;
    w.day(&app, "2027-03-01").await.expect(400);
    w.day(&app, "2027-04-01").await.expect(200);
    app.stop().await;
}

/// It is Monday, 09:00.
async fn today_shows_only_what_is_to_come(app: TestApp) {
    let mut w = World::new(&app, "hoje.example").await;
    let starts = w.starts(&app, "2027-03-01").await;
    assert_eq!(starts.first().unwrap(), "2027-03-01T10:00:00-03:00");
    assert_eq!(starts.len(), 12);
    w.wait(&app, TimeDelta::minutes(59)).await;
    assert_eq!(w.starts(&app, "2027-03-01").await.len(), 12);
    w.wait(&app, TimeDelta::minutes(1)).await;
    assert_eq!(w.starts(&app, "2027-03-01").await.first().unwrap(), "2027-03-01T11:00:00-03:00");
    // The last day of the window ends where bookings can still begin.
    let last = w.starts(&app, "2027-03-31").await;
    assert_eq!(last.last().unwrap(), "2027-03-31T10:00:00-03:00");
    app.stop().await;
}

async fn bookings_take_slots_and_give_them_back(app: TestApp) {
    let w = World::new(&app, "vagas.example").await;
    let other = w.room(&app, "Sala 2").await;
    let whole = w.starts(&app, "2027-03-03").await;
    assert_eq!(whole.len(), 16);
    let id = w.book(&app, "2027-03-03T10:00:00", "2027-03-03T12:00:00").await.expect(201).id();
    let path = format!("/bookings/{id}");
    app.settle().await;
    let less: Vec<String> = whole
        .iter()
        .filter(|start| !start.contains("T10") && !start.contains("T11"))
        .cloned()
        .collect();
    assert_eq!(w.starts(&app, "2027-03-03").await, less, "touching slots stay");
    // A move gives back and takes.
    let edit = json!({ "start_time": "2027-03-03T06:00:00", "end_time": "2027-03-03T07:00:00" });
    w.user(&app).put(&path, edit).await.expect(200);
    app.settle().await;
    assert_eq!(w.starts(&app, "2027-03-03").await, whole[1..]);
    w.user(&app).put(&path, json!({ "resource_id": other })).await.expect(200);
    app.settle().await;
    assert_eq!(w.starts(&app, "2027-03-03").await, whole);
    let there = format!("/resources/{other}/availability?date=2027-03-03");
    let slots = w.user(&app).get(&there).await.expect(200);
    assert_eq!(slots.body["slots"].as_array().map(Vec::len), Some(15));
    for (status, free) in
        [("confirmado", 15), ("concluido", 16), ("pendente", 15), ("cancelado", 16)]
    {
        let set = format!("{path}/status?status_param={status}");
        w.admin(&app).patch(&set, Value::Null).await.expect(200);
        app.settle().await;
        let slots = w.user(&app).get(&there).await.expect(200);
        assert_eq!(slots.body["slots"].as_array().map(Vec::len), Some(free), "{status}");
    }
    app.stop().await;
}

async fn settings_and_the_resource_move_the_day(app: TestApp) {
    let w = World::new(&app, "muda.example").await;
    assert_eq!(w.starts(&app, "2027-03-02").await.len(), 16);
    let settings = format!("/tenants/{}/settings", w.tenant);
    let resource = format!("/resources/{}", w.resource);
    for (path, edit, slots) in [
        (&settings, json!({ "working_hours_end": "10:00" }), 4),
        (&settings, json!({ "booking_interval": 30 }), 8),
        (&resource, json!({ "availability_schedule": { "tuesday": ["08:00-09:00"] } }), 2),
        (&resource, json!({ "availability_schedule": {} }), 8),
        (&settings, json!({ "timezone": "Asia/Tokyo" }), 8),
    ] {
        w.admin(&app).put(path, edit.clone()).await.expect(200);
        app.settle().await;
        assert_eq!(w.starts(&app, "2027-03-02").await.len(), slots, "{edit}");
    }
    let start = w.starts(&app, "2027-03-02").await[0].clone();
    assert_eq!(start, "2027-03-02T06:00:00+09:00");
    w.admin(&app).put(&resource, json!({ "status": "indisponivel" })).await.expect(200);
    app.settle().await;
    w.day(&app, "2027-03-02").await.expect(400);
    let booked = w.book(&app, "2027-03-02T06:00:00", "2027-03-02T06:30:00").await;
    refused(booked, 400, "resource_unavailable", "Recurso indisponível para reservas.");
    w.admin(&app).put(&resource, json!({ "status": "disponivel" })).await.expect(200);
    app.settle().await;
    assert_eq!(w.starts(&app, "2027-03-02").await.len(), 8);
    app.stop().await;
}

async fn the_answer_is_the_same_for_everyone(app: TestApp) {
    let w = World::new(&app, "todos.example").await;
    let (_, plain) = w.join(&app, "visita", "user", json!({})).await;
    w.book(&app, "2027-03-02T10:00:00", "2027-03-02T11:00:00").await.expect(201);
    app.settle().await;
    let path = format!("/resources/{}/availability?date=2027-03-02", w.resource);
    let texts = [
        w.user(&app).get(&path).await.expect(200).text,
        w.admin(&app).get(&path).await.expect(200).text,
        by(&app, &plain).get(&path).await.expect(200).text,
        by(&app, &plain)
            .raw("GET", &path, &[("cache-control", "no-cache")], "")
            .await
            .expect(200)
            .text,
    ];
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{texts:?}");
    assert!(!texts[0].contains(&w.user), "nobody's bookings show in it");
    app.stop().await;
}
