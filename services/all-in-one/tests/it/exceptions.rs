//! Date overrides and closures: their routes, what each does to a day, and that availability and
//! bookings agree about it.

use common::db::Scope;
use contracts::Service;
use contracts::event::Envelope;
use http::Method;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{by, column, invalid, keys, refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    an_exception_is_made_read_changed_and_deleted,
    whoever_manages_resources_writes_and_every_user_reads,
    the_whole_is_judged,
    lists_go_by_date,
    the_nearest_override_counts,
    an_override_opens_when_nobody_works,
    closures_take_away_what_they_say,
    exceptions_come_every_year,
    a_leap_day_is_closed_in_leap_years_only,
    exceptions_go_with_what_they_are_of,
);

const TUESDAY: &str = "2027-03-02";

/// The body of an exception of the whole tenant.
pub(crate) fn exception(w: &World, kind: &str, date: &str, more: &Value) -> Value {
    let body = json!({
        "tenant_id": w.tenant, "level": "tenant", "kind": kind, "start_date": date,
    });
    contracts::form::merge(&body, more, &[])
}

async fn except(app: &TestApp, w: &World, kind: &str, date: &str, more: Value) -> Answer {
    w.admin(app).post("/exceptions/", exception(w, kind, date, &more)).await
}

fn of_resource(w: &World) -> Value {
    json!({ "level": "resource", "resource_id": w.resource })
}

fn of_category(w: &World) -> Value {
    json!({ "level": "category", "category_id": w.category })
}

fn with(base: Value, more: &Value) -> Value {
    contracts::form::merge(&base, more, &[])
}

/// The listed starts of a date, as `HH:MM`. Whatever is listed can be booked, and every other hour of
/// the day is refused with `code`.
async fn hours(app: &TestApp, w: &World, date: &str, code: &str) -> Vec<String> {
    app.settle().await;
    let starts = w.starts(app, date).await;
    let listed: Vec<String> = starts.iter().map(|start| start[11..16].to_owned()).collect();
    for hour in 0..23 {
        let (start, end) =
            (format!("{date}T{hour:02}:00:00"), format!("{date}T{:02}:00:00", hour + 1));
        let answer = w.book(app, &start, &end).await;
        if answer.status.as_u16() == 201 {
            assert!(listed.contains(&start[11..16].to_owned()), "{start} is not listed");
            let path = format!("/bookings/{}/status?status_param=sem_dados", answer.id());
            w.user(app).patch(&path, Value::Null).await.expect(200);
        } else {
            assert!(!listed.contains(&start[11..16].to_owned()), "{start}: {}", answer.text);
            let known = [code, "not_in_future", "too_far_ahead"].contains(&answer.code());
            assert!(known, "{start}: {}", answer.text);
        }
    }
    app.settle().await;
    listed
}

fn clock(hours: std::ops::Range<u32>) -> Vec<String> {
    hours.map(|hour| format!("{hour:02}:00")).collect()
}

/// The events of exceptions so far.
async fn events(app: &TestApp) -> Vec<Envelope> {
    let mut events = app.events(Service::Resource).await;
    events.retain(|event| event.event_type == "exception.changed");
    events
}

async fn an_exception_is_made_read_changed_and_deleted(app: TestApp) {
    let w = World::new(&app, "feriados.example").await;
    let made = except(&app, &w, "holiday", "2027-03-03", json!({ "reason": "Dia da cidade" }));
    let made = made.await.expect(201);
    let all = [
        "category_id",
        "created_at",
        "end_date",
        "id",
        "kind",
        "level",
        "ranges",
        "reason",
        "resource_id",
        "start_date",
        "tenant_id",
        "updated_at",
        "version",
        "yearly",
    ];
    assert_eq!(keys(&made.body), all);
    assert_eq!(made.body["end_date"], "2027-03-03");
    assert_eq!((&made.body["version"], &made.body["yearly"]), (&json!(1), &json!(false)));
    assert_eq!(made.body["ranges"], json!([]));
    let path = format!("/exceptions/{}", made.id());
    assert_eq!(w.user(&app).get(&path).await.expect(200).body, made.body);
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let edit = json!({ "kind": "closure", "ranges": ["08:00-12:00"], "end_date": "2027-03-04" });
    let edited = w.admin(&app).put(&path, edit.clone()).await.expect(200).body;
    assert_eq!((&edited["version"], &edited["reason"]), (&json!(2), &json!("Dia da cidade")));
    assert_eq!(edited["created_at"], made.body["created_at"]);
    assert_ne!(edited["updated_at"], made.body["updated_at"]);
    assert_eq!(w.admin(&app).put(&path, edit).await.expect(200).body, edited, "nothing changed");
    // It may become another's, and nobody's any more.
    let moved = with(of_resource(&w), &json!({ "ranges": null }));
    let moved = w.admin(&app).put(&path, moved).await.expect(200).body;
    assert_eq!((&moved["level"], &moved["ranges"]), (&json!("resource"), &json!([])));
    w.admin(&app).delete(&path).await.expect(204);
    let gone = "Exceção não encontrada";
    refused(w.admin(&app).get(&path).await, 404, "not_found", gone);
    refused(w.admin(&app).put(&path, json!({})).await, 404, "not_found", gone);
    refused(w.admin(&app).delete(&path).await, 404, "not_found", gone);
    let events = events(&app).await;
    let sequence: Vec<i64> = events.iter().map(|event| event.metadata.sequence).collect();
    assert_eq!(sequence, [1, 2, 3, 4], "one event each, and none for what changed nothing");
    for event in events {
        assert_eq!(event.metadata.aggregate_id.to_string(), made.id());
        assert_eq!(event.payload, json!({ "tenant_id": w.tenant, "exception_id": made.id() }));
    }
    app.stop().await;
}

async fn whoever_manages_resources_writes_and_every_user_reads(app: TestApp) {
    let w = World::new(&app, "quem.example").await;
    let other = World::new(&app, "alheio.example").await;
    let id = except(&app, &w, "holiday", TUESDAY, json!({})).await.expect(201).id();
    let path = format!("/exceptions/{id}");
    w.user(&app).get(&path).await.expect(200);
    let body = exception(&w, "holiday", TUESDAY, &json!({}));
    w.user(&app).post("/exceptions/", body.clone()).await.expect(403);
    w.user(&app).put(&path, json!({ "reason": "x" })).await.expect(403);
    w.user(&app).delete(&path).await.expect(403);
    let (_, manager) = w.join(&app, "gil", "user", json!({ "can_manage_resources": true })).await;
    by(&app, &manager).put(&path, json!({ "reason": "x" })).await.expect(200);
    by(&app, &manager).post("/exceptions/", body.clone()).await.expect(201);
    // Another tenant's is as if it were not there.
    for answer in [
        other.admin(&app).get(&path).await,
        other.admin(&app).put(&path, json!({ "reason": "y" })).await,
        other.admin(&app).delete(&path).await,
    ] {
        refused(answer, 404, "not_found", "Exceção não encontrada");
    }
    other.admin(&app).post("/exceptions/", body).await.expect(403);
    let strange = json!({ "level": "resource", "resource_id": w.resource });
    let strange =
        other.admin(&app).post("/exceptions/", exception(&other, "closure", TUESDAY, &strange));
    refused(strange.await, 404, "not_found", "Recurso não encontrado");
    let strange = json!({ "level": "category", "category_id": w.category });
    let strange =
        other.admin(&app).post("/exceptions/", exception(&other, "closure", TUESDAY, &strange));
    refused(strange.await, 404, "not_found", "Categoria não encontrada");
    let list = other.admin(&app).get("/exceptions/").await.expect(200);
    assert_eq!(list.body, json!([]));
    other.admin(&app).get(&format!("/exceptions/?tenant_id={}", w.tenant)).await.expect(403);
    let taken = json!({ "tenant_id": other.tenant });
    w.admin(&app).put(&path, taken).await.expect(403);
    app.stop().await;
}

async fn the_whole_is_judged(app: TestApp) {
    let w = World::new(&app, "julga.example").await;
    let bad: [(Value, &[&str]); 8] = [
        (json!({ "kind": "party", "level": "world" }), &["kind", "level"]),
        (json!({ "level": "resource" }), &["resource_id"]),
        (json!({ "level": "category", "resource_id": w.resource }), &["category_id"]),
        (json!({ "resource_id": w.resource }), &["resource_id"]),
        (json!({ "end_date": "2027-03-01" }), &["end_date"]),
        (json!({ "end_date": "2028-03-02" }), &["end_date"]),
        (json!({ "start_date": "02/03/2027", "yearly": "no" }), &["start_date", "yearly"]),
        (
            json!({ "ranges": ["12:00-08:00", "8-9", "08:00-24:00"], "colour": 1 }),
            &["colour", "ranges[0]", "ranges[1]"],
        ),
    ];
    for (more, fields) in bad {
        invalid(except(&app, &w, "closure", TUESDAY, more).await, fields);
    }
    let year = json!({ "end_date": "2028-03-01" });
    let id = except(&app, &w, "closure", TUESDAY, year).await.expect(201).id();
    let path = format!("/exceptions/{id}");
    invalid(w.admin(&app).put(&path, json!({ "start_date": "2028-03-02" })).await, &["end_date"]);
    invalid(w.admin(&app).put(&path, json!({ "level": "resource" })).await, &["resource_id"]);
    invalid(w.admin(&app).put(&path, json!({ "start_date": null })).await, &["start_date"]);
    let missing = json!({ "level": "resource", "resource_id": w.tenant });
    refused(w.admin(&app).put(&path, missing).await, 404, "not_found", "Recurso não encontrado");
    let kept = w.admin(&app).get(&path).await.expect(200).body;
    assert_eq!((&kept["start_date"], &kept["version"]), (&json!(TUESDAY), &json!(1)));
    app.stop().await;
}

async fn lists_go_by_date(app: TestApp) {
    let w = World::new(&app, "lista.example").await;
    for (date, more) in [
        ("2027-05-01", json!({ "reason": "b" })),
        ("2027-04-21", with(of_resource(&w), &json!({ "reason": "a" }))),
        ("2027-12-31", json!({ "reason": "d", "end_date": "2028-01-02" })),
        ("2027-05-01", with(of_category(&w), &json!({ "reason": "c" }))),
        ("2020-12-25", json!({ "reason": "e", "yearly": true })),
    ] {
        except(&app, &w, "holiday", date, more).await.expect(201);
    }
    let list = async |query: &str| {
        let answer = w.user(&app).get(&format!("/exceptions/{query}")).await.expect(200);
        column(&answer, "reason").concat()
    };
    assert_eq!(list("").await, "eabcd");
    assert_eq!(list("?level=tenant").await, "ebd");
    assert_eq!(list(&format!("?resource_id={}", w.resource)).await, "a");
    assert_eq!(list(&format!("?category_id={}&level=category", w.category)).await, "c");
    assert_eq!(list("?from=2027-05-01").await, "ebcd");
    assert_eq!(list("?from=2028-01-02&to=2028-01-02").await, "ed", "yearly ones come always");
    assert_eq!(list("?from=2027-04-21&to=2027-04-30").await, "ea");
    invalid(w.user(&app).get("/exceptions/?from=soon&level=world").await, &["from", "level"]);
    let (mut next, mut seen) = ("/exceptions/?limit=2&count=true".to_owned(), String::new());
    loop {
        let page = w.user(&app).get(&next).await.expect(200);
        assert_eq!(page.header("x-total-count"), "5");
        seen.push_str(&column(&page, "reason").concat());
        let link = page.header("link");
        let Some(rest) = link.strip_prefix("<http://marca.test:8000") else { break };
        next = rest.split('>').next().unwrap().to_owned();
    }
    assert_eq!(seen, "eabcd");
    app.stop().await;
}

/// Resource over category over tenant; of one level the date itself over every year; several of one
/// rank are open together.
async fn the_nearest_override_counts(app: TestApp) {
    let w = World::new(&app, "perto.example").await;
    assert_eq!(hours(&app, &w, TUESDAY, "outside_working_hours").await, clock(6..22));
    let ranges = |ranges: &[&str]| json!({ "ranges": ranges });
    let yearly = json!({ "ranges": ["10:00-11:00"], "yearly": true });
    let (closed, outside) = ("closed_date", ["outside_working_hours", "outside_schedule"]);
    let make =
        async |more: Value| except(&app, &w, "override", TUESDAY, more).await.expect(201).id();
    make(yearly).await;
    assert_eq!(hours(&app, &w, TUESDAY, outside[0]).await, clock(10..11));
    make(ranges(&["08:00-12:00"])).await;
    assert_eq!(hours(&app, &w, TUESDAY, outside[0]).await, clock(8..12), "this date over any");
    let category = make(with(of_category(&w), &json!({}))).await;
    assert_eq!(hours(&app, &w, TUESDAY, closed).await, clock(0..0), "no hours = closed");
    let always = json!({ "ranges": ["13:00-15:00"], "yearly": true });
    let first = make(with(of_resource(&w), &always)).await;
    assert_eq!(hours(&app, &w, TUESDAY, outside[0]).await, clock(13..15), "the resource's own");
    let second = make(with(of_resource(&w), &ranges(&["16:00-17:00"]))).await;
    let third = make(with(of_resource(&w), &ranges(&["17:00-18:00"]))).await;
    assert_eq!(hours(&app, &w, TUESDAY, outside[0]).await, clock(16..18), "both are open");
    // Taken away again, each lets the next one count.
    for (id, expected, code) in [
        (second, clock(17..18), outside[0]),
        (third, clock(13..15), outside[0]),
        (first, clock(0..0), closed),
        (category, clock(8..12), outside[0]),
    ] {
        w.admin(&app).delete(&format!("/exceptions/{id}")).await.expect(204);
        assert_eq!(hours(&app, &w, TUESDAY, code).await, expected);
    }
    let other = hours(&app, &w, "2027-03-03", "outside_working_hours").await;
    assert_eq!(other, clock(6..22), "other dates are like the others");
    app.stop().await;
}

/// Overrides replace the week, and are not clipped to the working hours.
async fn an_override_opens_when_nobody_works(app: TestApp) {
    let schedule = json!({ "monday": ["08:00-10:00"] });
    let w = World::with(&app, "abre.example", json!({}), schedule).await;
    assert_eq!(w.starts(&app, TUESDAY).await, Vec::<String>::new());
    let early = json!({ "ranges": ["03:00-07:00"] });
    except(&app, &w, "override", TUESDAY, with(of_resource(&w), &early)).await.expect(201);
    assert_eq!(hours(&app, &w, TUESDAY, "outside_working_hours").await, clock(3..7));
    // A closure still takes away what it says.
    let morning = json!({ "ranges": ["04:00-05:00"] });
    except(&app, &w, "maintenance", TUESDAY, morning).await.expect(201);
    app.settle().await;
    let left: Vec<String> =
        w.starts(&app, TUESDAY).await.iter().map(|start| start[11..16].to_owned()).collect();
    assert_eq!(left, ["03:00", "05:00", "06:00"]);
    let closed = w.book(&app, "2027-03-02T04:00:00", "2027-03-02T05:00:00").await;
    refused(closed, 400, "closure", "Recurso fechado neste período.");
    app.stop().await;
}

/// All of them, whoever's they are; those who booked before stay.
async fn closures_take_away_what_they_say(app: TestApp) {
    let w = World::new(&app, "fecha.example").await;
    w.book(&app, "2027-03-03T10:00:00", "2027-03-03T11:00:00").await.expect(201);
    let all_day = json!({ "reason": "Feriado" });
    except(&app, &w, "holiday", "2027-03-03", all_day).await.expect(201);
    app.settle().await;
    assert_eq!(w.starts(&app, "2027-03-03").await, Vec::<String>::new());
    let closed = w.book(&app, "2027-03-03T14:00:00", "2027-03-03T15:00:00").await;
    refused(closed, 400, "closure", "Recurso fechado neste período.");
    let request = http::Request::post("/bookings/")
        .header("authorization", format!("Bearer {}", w.user_token))
        .header("content-type", "application/json")
        .header("accept-language", "en")
        .body(w.booking("2027-03-03T14:00:00", "2027-03-03T15:00:00").to_string().into())
        .unwrap();
    assert_eq!(app.send(request).await.message(), "The resource is closed in this period.");
    let list = w.user(&app).get("/bookings/").await.expect(200);
    assert_eq!(column(&list, "status"), ["pendente"]);
    // Parts of a day, of all three levels.
    for (more, range) in [
        (json!({}), "06:00-08:30"),
        (of_category(&w), "12:00-13:00"),
        (of_resource(&w), "20:00-24:00"),
    ] {
        let part = with(more, &json!({ "ranges": [range] }));
        except(&app, &w, "maintenance", "2027-03-04", part).await.expect(201);
    }
    app.settle().await;
    let starts = w.starts(&app, "2027-03-04").await;
    let left: Vec<&str> = starts.iter().map(|start| &start[11..13]).collect();
    assert_eq!(left, ["09", "10", "11", "13", "14", "15", "16", "17", "18", "19"]);
    let touches = w.book(&app, "2027-03-04T11:00:00", "2027-03-04T13:00:00").await;
    assert_eq!(touches.code(), "closure");
    w.book(&app, "2027-03-04T13:00:00", "2027-03-04T14:00:00").await.expect(201);
    // Another resource of the tenant is not touched by what is of this one.
    let room = w.room(&app, "Sala 2").await;
    let path = format!("/resources/{room}/availability?date=2027-03-04");
    let day = w.user(&app).get(&path).await.expect(200);
    assert_eq!(day.body["slots"].as_array().map(Vec::len), Some(12));
    app.stop().await;
}

async fn exceptions_come_every_year(app: TestApp) {
    let settings = json!({ "advance_booking_days": 365 });
    let w = World::with(&app, "anual.example", settings, json!({})).await;
    let over = json!({ "end_date": "2028-01-02" });
    except(&app, &w, "holiday", "2027-12-31", over).await.expect(201);
    for date in ["2027-12-31", "2028-01-01", "2028-01-02"] {
        assert_eq!(w.starts(&app, date).await, Vec::<String>::new(), "{date}");
    }
    for date in ["2027-12-30", "2028-01-03"] {
        assert_eq!(w.starts(&app, date).await.len(), 16, "{date}");
    }
    // From years ago, over new year, on the mornings.
    let yearly = json!({ "end_date": "2019-01-05", "yearly": true, "ranges": ["06:00-12:00"] });
    let id = except(&app, &w, "maintenance", "2018-12-29", yearly).await.expect(201).id();
    for (date, slots) in
        [("2027-12-28", 16), ("2027-12-29", 10), ("2028-01-05", 10), ("2028-01-06", 16)]
    {
        assert_eq!(w.starts(&app, date).await.len(), slots, "{date}");
    }
    app.settle().await;
    let morning = w.book(&app, "2028-01-04T11:00:00", "2028-01-04T12:00:00").await;
    assert_eq!(morning.code(), "closure");
    w.book(&app, "2028-01-04T12:00:00", "2028-01-04T13:00:00").await.expect(201);
    let once = json!({ "yearly": false });
    w.admin(&app).put(&format!("/exceptions/{id}"), once).await.expect(200);
    assert_eq!(w.starts(&app, "2027-12-29").await.len(), 16);
    app.stop().await;
}

async fn a_leap_day_is_closed_in_leap_years_only(app: TestApp) {
    let settings = json!({ "advance_booking_days": 365 });
    let mut w = World::with(&app, "bissexto.example", settings, json!({})).await;
    w.wait(&app, chrono::TimeDelta::days(200)).await;
    let leap = json!({ "yearly": true });
    except(&app, &w, "holiday", "2024-02-29", leap).await.expect(201);
    for (date, slots) in [("2028-02-28", 16), ("2028-02-29", 0), ("2028-03-01", 16)] {
        assert_eq!(w.starts(&app, date).await.len(), slots, "{date}");
    }
    w.wait(&app, chrono::TimeDelta::days(365)).await;
    for date in ["2029-02-28", "2029-03-01"] {
        assert_eq!(w.starts(&app, date).await.len(), 16, "{date}");
    }
    app.stop().await;
}

async fn exceptions_go_with_what_they_are_of(app: TestApp) {
    let w = World::new(&app, "some.example").await;
    let room = w.room(&app, "Sala 2").await;
    let of_room = json!({ "level": "resource", "resource_id": room });
    except(&app, &w, "closure", TUESDAY, of_room).await.expect(201);
    let made = except(&app, &w, "closure", TUESDAY, json!({})).await.expect(201).id();
    w.admin(&app).delete(&format!("/resources/{room}")).await.expect(204);
    let list = w.user(&app).get("/exceptions/").await.expect(200);
    assert_eq!(column(&list, "id"), [made]);
    let token = w.admin_token.clone();
    let path = format!("/tenants/{}", w.tenant);
    app.call(Method::DELETE, &path, &token, Value::Null).await.expect(204);
    app.settle().await;
    let found = app.running.services().iter().find(|found| found.name == Service::Resource);
    let conn = found.unwrap().database.read(Scope::All);
    let sql = "SELECT id FROM calendar_exception";
    let statement = Statement::from_string(conn.get_database_backend(), sql);
    assert_eq!(conn.query_all_raw(statement).await.unwrap().len(), 0, "nothing was left");
    app.stop().await;
}
