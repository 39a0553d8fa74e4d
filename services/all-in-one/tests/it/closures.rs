//! What date overrides and closures do to a day, and that availability and bookings agree about it.

use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{column, refused};
use crate::exceptions::{TUESDAY, except, of_category, of_resource, with};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    the_nearest_override_counts,
    an_override_opens_when_nobody_works,
    closures_take_away_what_they_say,
    exceptions_come_every_year,
    a_leap_day_is_closed_in_leap_years_only,
);

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
