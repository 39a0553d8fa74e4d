//! What a business asks of bookings: notice, length, room around them, approval, deadlines, and the most
//! one person may have. Every refusal has a code, a message and the value that applies.

use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::refused;
use crate::capacity::{share, take};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    notice_and_length_are_judged_at_their_boundaries,
    what_is_nearer_to_the_resource_counts,
    room_is_kept_around_bookings,
    room_counts_where_bookings_share,
    a_category_says_who_approves,
    a_category_says_until_when_one_may_cancel,
    nobody_has_more_than_the_limits_of_each_period,
    each_level_counts_its_own_bookings,
    moving_and_coming_back_count_as_well,
);

pub(crate) async fn of_tenant(app: &TestApp, w: &World, policy: Value) {
    let path = format!("/tenants/{}/settings", w.tenant);
    w.admin(app).put(&path, json!({ "booking_policy": policy })).await.expect(200);
    app.settle().await;
}

pub(crate) async fn of_category(app: &TestApp, w: &World, policy: Value) {
    let path = format!("/categories/{}", w.category);
    w.admin(app).put(&path, json!({ "booking_policy": policy })).await.expect(200);
    app.settle().await;
}

pub(crate) async fn of_resource(app: &TestApp, w: &World, policy: Value) {
    let path = format!("/resources/{}", w.resource);
    w.admin(app).put(&path, json!({ "booking_policy": policy })).await.expect(200);
    app.settle().await;
}

/// A refusal with this code and message, and the value that applies.
#[track_caller]
fn by_rule(answer: Answer, code: &str, message: &str, limit: u32) {
    let answer = refused(answer, 400, code, message);
    assert_eq!(answer.body["limit"], limit, "{}", answer.text);
}

async fn give_up(app: &TestApp, w: &World, booking: &Answer) {
    let path = format!("/bookings/{}/status?status_param=sem_dados", booking.id());
    w.admin(app).patch(&path, Value::Null).await.expect(200);
}

/// The same, where limits count: what has no data was there.
pub(crate) async fn cancel(app: &TestApp, w: &World, booking: &Answer) {
    let path = format!("/bookings/{}/cancel", booking.id());
    w.user(app).patch(&path, json!({})).await.expect(200);
}

pub(crate) fn day(date: &str, hour: u32) -> (String, String) {
    (format!("{date}T{hour:02}:00:00"), format!("{date}T{:02}:00:00", hour + 1))
}

/// Books one hour of a day, local time.
async fn hour(app: &TestApp, w: &World, date: &str, at: u32) -> Answer {
    let (start, end) = day(date, at);
    w.book(app, &start, &end).await
}

/// It is 09:00 in São Paulo.
async fn notice_and_length_are_judged_at_their_boundaries(app: TestApp) {
    let w = World::with(&app, "aviso.example", json!({ "booking_interval": 30 }), json!({})).await;
    let policy = json!({
        "min_notice_minutes": 90, "min_duration_minutes": 60, "max_duration_minutes": 120,
    });
    of_resource(&app, &w, policy).await;
    let book = async |start: &str, end: &str| {
        w.book(&app, &format!("2027-03-01T{start}:00"), &format!("2027-03-01T{end}:00")).await
    };
    let notice = "Agendamentos exigem antecedência mínima de 90 minutos.";
    by_rule(book("10:00", "11:00").await, "too_soon", notice, 90);
    by_rule(book("11:00", "11:30").await, "too_short", "Duração mínima de 60 minutos.", 60);
    by_rule(book("11:00", "13:30").await, "too_long", "Duração máxima de 120 minutos.", 120);
    let in_the_past = book("08:00", "09:00").await;
    assert_eq!(in_the_past.code(), "not_in_future");
    let exactly = book("10:30", "11:30").await.expect(201);
    give_up(&app, &w, &exactly).await;
    let longest = book("11:00", "13:00").await.expect(201);
    // An edit is judged alike, where it moves.
    let path = format!("/bookings/{}", longest.id());
    let soon = json!({ "start_time": "2027-03-01T10:00:00", "end_time": "2027-03-01T11:00:00" });
    by_rule(w.user(&app).put(&path, soon).await, "too_soon", notice, 90);
    w.user(&app).put(&path, json!({ "notes": "x" })).await.expect(200);
    app.stop().await;
}

async fn what_is_nearer_to_the_resource_counts(app: TestApp) {
    let w = World::new(&app, "niveis.example").await;
    let notice = async || {
        let answer = hour(&app, &w, "2027-03-01", 10).await;
        let limit = answer.body["limit"].as_u64();
        if answer.status.as_u16() == 201 {
            give_up(&app, &w, &answer).await;
        }
        limit
    };
    assert_eq!(notice().await, None);
    of_tenant(&app, &w, json!({ "min_notice_minutes": 300 })).await;
    assert_eq!(notice().await, Some(300));
    of_category(&app, &w, json!({ "min_notice_minutes": 200 })).await;
    assert_eq!(notice().await, Some(200));
    of_resource(&app, &w, json!({ "min_notice_minutes": 0 })).await;
    assert_eq!(notice().await, None, "nothing is asked, and that is said");
    of_resource(&app, &w, json!({ "max_duration_minutes": 60 })).await;
    assert_eq!(notice().await, Some(200));
    let shown = w.admin(&app).get(&format!("/resources/{}", w.resource)).await.expect(200).body;
    assert_eq!(shown["booking_policy"], json!({ "max_duration_minutes": 60 }));
    assert_eq!(shown["category"]["booking_policy"], json!({ "min_notice_minutes": 200 }));
    app.stop().await;
}

/// The listed starts of a date; whatever is listed can be booked, and nothing else on the grid.
async fn listed(app: &TestApp, w: &World, date: &str, minutes: i64) -> Vec<String> {
    app.settle().await;
    let starts = w.starts(app, date).await;
    let mut at =
        chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").unwrap().and_hms_opt(6, 0, 0).unwrap();
    while at.format("%H:%M").to_string().as_str() < "22:00" {
        let end = at + TimeDelta::minutes(minutes);
        let text = |at: chrono::NaiveDateTime| at.format("%Y-%m-%dT%H:%M:%S").to_string();
        let answer = w.book(app, &text(at), &text(end)).await;
        let is_listed = starts.iter().any(|start| start.starts_with(&text(at)));
        assert_eq!(answer.status.as_u16() == 201, is_listed, "{at}: {}", answer.text);
        if is_listed {
            give_up(app, w, &answer).await;
        } else {
            assert!(["conflict", "capacity_exceeded"].contains(&answer.code()), "{}", answer.text);
        }
        at = end;
    }
    app.settle().await;
    starts.iter().map(|start| start[11..16].to_owned()).collect()
}

/// The gap that two bookings need is the room after the first and before the second.
async fn room_is_kept_around_bookings(app: TestApp) {
    let settings = json!({ "booking_interval": 30 });
    let w = World::with(&app, "folga.example", settings, json!({})).await;
    let date = "2027-03-02";
    of_category(&app, &w, json!({ "buffer_before_minutes": 30, "buffer_after_minutes": 60 })).await;
    hour(&app, &w, date, 12).await.expect(201);
    let left = listed(&app, &w, date, 30).await;
    let around: Vec<&str> =
        left.iter().map(String::as_str).filter(|at| ("09:00".."16:00").contains(at)).collect();
    // 12:00–13:00 takes 11:30–14:00: one before it ends by 10:30, one after it begins at 14:30.
    assert_eq!(around, ["09:00", "09:30", "10:00", "14:30", "15:00", "15:30"]);
    let near = w.book(&app, "2027-03-02T10:00:00", "2027-03-02T11:00:00").await;
    refused(near, 409, "conflict", "Recurso já possui reserva neste intervalo");
    w.book(&app, "2027-03-02T09:30:00", "2027-03-02T10:30:00").await.expect(201);
    // The room was copied into the bookings: another policy changes what comes, not what is there.
    of_category(&app, &w, json!({})).await;
    let left = listed(&app, &w, date, 30).await;
    let around: Vec<&str> =
        left.iter().map(String::as_str).filter(|at| ("08:00".."15:00").contains(at)).collect();
    assert_eq!(around, ["08:00", "08:30", "14:00", "14:30"]);
    // Hours may be left by the room: 06:00 needs none before opening.
    assert_eq!(left[0], "06:00");
    app.stop().await;
}

async fn room_counts_where_bookings_share(app: TestApp) {
    let w = World::new(&app, "vaga.example").await;
    share(&app, &w, true).await.expect(200);
    of_resource(&app, &w, json!({ "buffer_after_minutes": 60 })).await;
    let slot = ("2027-03-02T10:00:00", "2027-03-02T11:00:00");
    take(&app, &w, slot, 15).await.expect(201);
    app.settle().await;
    let shown = w.day(&app, "2027-03-02").await.expect(200);
    let remaining: Vec<u64> = shown.body["slots"].as_array().unwrap()[2..8]
        .iter()
        .map(|slot| slot["remaining"].as_u64().unwrap())
        .collect();
    // From 08:00: the one before needs its own hour after, 11:00 is the hour after.
    assert_eq!(remaining, [20, 5, 5, 5, 20, 20]);
    let next = ("2027-03-02T11:00:00", "2027-03-02T12:00:00");
    let over = take(&app, &w, next, 6).await;
    let text = "Capacidade insuficiente neste horário: vagas restantes: 5.";
    let over = refused(over, 409, "capacity_exceeded", text);
    assert_eq!(over.body["remaining"], 5);
    take(&app, &w, next, 5).await.expect(201);
    app.stop().await;
}

async fn a_category_says_who_approves(app: TestApp) {
    let settings = json!({ "default_booking_status": "confirmado" });
    let w = World::with(&app, "aprova.example", settings, json!({})).await;
    let first = async |at: u32| {
        let made = hour(&app, &w, "2027-03-02", at).await.expect(201);
        made.body["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(first(7).await, "confirmado");
    of_category(&app, &w, json!({ "approval_required": true })).await;
    assert_eq!(first(8).await, "pendente");
    of_resource(&app, &w, json!({ "approval_required": false })).await;
    assert_eq!(first(9).await, "confirmado");
    // Approval is an admin's to give.
    of_resource(&app, &w, json!({})).await;
    let (start, end) = day("2027-03-02", 10);
    let mut body = w.booking(&start, &end);
    body["status"] = json!("confirmado");
    w.user(&app).post("/bookings/", body.clone()).await.expect(403);
    let made = hour(&app, &w, "2027-03-02", 10).await.expect(201);
    let path = format!("/bookings/{}/status?status_param=confirmado", made.id());
    w.user(&app).patch(&path, Value::Null).await.expect(403);
    w.admin(&app).patch(&path, Value::Null).await.expect(200);
    // What was approved is not approved at another time; an admin who moves it approves.
    let path = format!("/bookings/{}", made.id());
    let move_to = |hour: u32| {
        let (start, end) = day("2027-03-02", hour);
        json!({ "start_time": start, "end_time": end })
    };
    let named = w.user(&app).put(&path, json!({ "notes": "x" })).await.expect(200);
    assert_eq!(named.body["status"], "confirmado");
    let moved = w.user(&app).put(&path, move_to(11)).await.expect(200);
    assert_eq!(moved.body["status"], "pendente");
    let status = format!("{path}/status?status_param=confirmado");
    w.admin(&app).patch(&status, Value::Null).await.expect(200);
    let moved = w.admin(&app).put(&path, move_to(12)).await.expect(200);
    assert_eq!(moved.body["status"], "confirmado");
    app.stop().await;
}

async fn a_category_says_until_when_one_may_cancel(app: TestApp) {
    let w = World::new(&app, "prazo.example").await;
    of_category(&app, &w, json!({ "cancellation_hours": 48 })).await;
    // In two days and one hour, and in two days less one.
    let early = hour(&app, &w, "2027-03-03", 10).await.expect(201);
    let late = hour(&app, &w, "2027-03-03", 8).await.expect(201);
    assert_eq!(
        (&early.body["can_cancel"], &late.body["can_cancel"]),
        (&json!(true), &json!(false))
    );
    let cancel = async |made: &Answer| {
        w.user(&app).patch(&format!("/bookings/{}/cancel", made.id()), json!({})).await
    };
    let text = "Cancelamento permitido somente até 48 horas antes do início.";
    by_rule(cancel(&late).await, "too_late_to_cancel", text, 48);
    // What applied when it was made stays with it.
    of_category(&app, &w, json!({ "cancellation_hours": 0 })).await;
    by_rule(cancel(&late).await, "too_late_to_cancel", text, 48);
    cancel(&early).await.expect(200);
    let today = hour(&app, &w, "2027-03-01", 10).await.expect(201);
    cancel(&today).await.expect(200);
    app.stop().await;
}

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
