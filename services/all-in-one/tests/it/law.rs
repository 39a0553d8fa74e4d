//! The law of §5, swept: a listed slot can be booked, and what can be booked on the grid is listed.
//! And §7: the days on which the clocks change.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    listed_and_bookable_are_the_same_on_a_busy_day,
    the_law_holds_at_both_ends_of_the_window,
    listed_and_bookable_are_the_same_where_the_clocks_change,
    new_york_springs_forward,
    new_york_falls_back,
);

fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// Tries every five or fifteen minutes of a span: what can be booked must be what is listed on its
/// days. Each booking is put out of the way again, so that it does not hide the next.
async fn sweep(app: &TestApp, w: &World, dates: &[&str], span: (&str, &str), step: (i64, i64)) {
    app.settle().await;
    let mut listed = BTreeSet::new();
    for date in dates {
        listed.extend(w.starts(app, date).await.iter().map(|start| instant(start)));
    }
    let mut bookable = BTreeSet::new();
    let (mut start, end) = (instant(span.0), instant(span.1));
    let (step, minutes) = (TimeDelta::minutes(step.0), TimeDelta::minutes(step.1));
    while start < end {
        let answer = w.book(app, &start.to_rfc3339(), &(start + minutes).to_rfc3339()).await;
        let status = answer.status.as_u16();
        assert!(matches!(status, 201 | 400 | 409), "{start}: {}", answer.text);
        assert!(
            status == 201 || !listed.contains(&start),
            "{start} is listed, but: {}",
            answer.text
        );
        if status == 201 {
            bookable.insert(start);
            let path = format!("/bookings/{}/status?status_param=sem_dados", answer.id());
            w.user(app).patch(&path, Value::Null).await.expect(200);
        }
        start += step;
    }
    assert!(!listed.is_empty());
    assert_eq!(listed, bookable, "{dates:?}");
    app.settle().await;
    let mut again = BTreeSet::new();
    for date in dates {
        again.extend(w.starts(app, date).await.iter().map(|start| instant(start)));
    }
    assert_eq!(listed, again, "what was put out of the way left no trace");
}

/// Tuesday, with three bookings, ranges that overlap, and one beyond the hours; Wednesday is closed.
async fn listed_and_bookable_are_the_same_on_a_busy_day(app: TestApp) {
    let settings = json!({
        "working_hours_start": "07:10", "working_hours_end": "20:00", "booking_interval": 30,
    });
    let schedule =
        json!({ "tuesday": ["06:00-11:25", "13:00-17:10", "16:00-19:40"], "wednesday": [] });
    let w = World::with(&app, "lei.example", settings, schedule).await;
    for (start, end) in [("08:10", "09:10"), ("13:10", "13:40"), ("18:40", "19:10")] {
        let (start, end) = (format!("2027-03-02T{start}:00"), format!("2027-03-02T{end}:00"));
        w.book(&app, &start, &end).await.expect(201);
    }
    let span = ("2027-03-02T09:00:00Z", "2027-03-03T00:00:00Z");
    sweep(&app, &w, &["2027-03-02", "2027-03-03"], span, (5, 30)).await;
    app.stop().await;
}

/// Today, from a moment between two slots; and the last day of the window.
async fn the_law_holds_at_both_ends_of_the_window(app: TestApp) {
    let settings = json!({ "advance_booking_days": 1 });
    let mut w = World::with(&app, "borda.example", settings, json!({})).await;
    w.wait(&app, TimeDelta::minutes(20)).await;
    let span = ("2027-03-01T11:00:00Z", "2027-03-03T02:00:00Z");
    sweep(&app, &w, &["2027-03-01", "2027-03-02"], span, (20, 60)).await;
    app.stop().await;
}

fn new_york(opening: &str, closing: &str) -> Value {
    json!({
        "timezone": "America/New_York", "working_hours_start": opening,
        "working_hours_end": closing, "advance_booking_days": 365,
    })
}

async fn listed_and_bookable_are_the_same_where_the_clocks_change(app: TestApp) {
    let schedule = json!({ "sunday": ["00:30-04:30"] });
    let w = World::with(&app, "ny.example", new_york("00:00", "05:00"), schedule).await;
    for (date, span) in [
        ("2027-03-14", ("2027-03-14T04:00:00Z", "2027-03-14T11:00:00Z")),
        ("2027-11-07", ("2027-11-07T03:00:00Z", "2027-11-07T11:00:00Z")),
    ] {
        sweep(&app, &w, &[date], span, (15, 60)).await;
    }
    app.stop().await;
}

async fn new_york_springs_forward(app: TestApp) {
    let w = World::with(&app, "marco.example", new_york("00:00", "23:59"), json!({})).await;
    let starts = w.starts(&app, "2027-03-14").await;
    assert_eq!(starts.len(), 22);
    assert!(starts.iter().all(|start| !start.contains("T02:")), "{starts:?}");
    assert_eq!(starts[1..3], ["2027-03-14T01:00:00-05:00", "2027-03-14T03:00:00-04:00"]);
    assert_eq!(w.starts(&app, "2027-03-13").await.len(), 23);
    app.stop().await;
}

async fn new_york_falls_back(app: TestApp) {
    let w = World::with(&app, "novembro.example", new_york("00:00", "23:59"), json!({})).await;
    let starts = w.starts(&app, "2027-11-07").await;
    assert_eq!(starts.len(), 24);
    assert_eq!(
        starts[1..4],
        ["2027-11-07T01:00:00-04:00", "2027-11-07T01:00:00-05:00", "2027-11-07T02:00:00-05:00",]
    );
    // The second 01:00 is a slot of its own.
    w.book(&app, &starts[2], &starts[3]).await.expect(201);
    app.settle().await;
    let left = w.starts(&app, "2027-11-07").await;
    assert_eq!(left.len(), 23);
    assert!(left.contains(&starts[1]) && !left.contains(&starts[2]));
    app.stop().await;
}
