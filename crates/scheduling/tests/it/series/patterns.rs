//! The `recurring_pattern` of a booking, and moving the occurrences of a series.

use chrono::{NaiveDateTime, TimeDelta};
use proptest::prelude::*;
use scheduling::{Move, SeriesEnd, Shift, Zone};
use serde_json::json;

use super::{
    dates, expand, missing, recurrence,
    rules::{rules, starts, zones},
    series, walls,
};
use crate::support::{config, instant, local, zone};

#[test]
fn daily_and_weekly() {
    let of = |value| dates(&expand("2027-01-01T09:00", "America/Sao_Paulo", &recurrence(&value)));
    assert_eq!(
        of(json!({"frequency": "daily", "interval": 3, "end_date": "2027-01-10"})),
        ["2027-01-01", "2027-01-04", "2027-01-07", "2027-01-10"]
    );
    // A Friday.
    assert_eq!(
        of(json!({"frequency": "weekly", "end_date": "2027-01-15"})),
        ["2027-01-01", "2027-01-08", "2027-01-15"]
    );
    assert_eq!(
        of(
            json!({"frequency": "weekly", "interval": 2, "days_of_week": [6, 0, 4], "end_date": "2027-01-31"})
        ),
        [
            "2027-01-01",
            "2027-01-03",
            "2027-01-11",
            "2027-01-15",
            "2027-01-17",
            "2027-01-25",
            "2027-01-29",
            "2027-01-31"
        ]
    );
}

#[test]
fn the_start_is_the_first_whatever_the_days_and_the_end_say() {
    let of = |value| expand("2027-01-01T09:00", "America/Sao_Paulo", &recurrence(&value));
    let weekly = json!({"frequency": "weekly", "days_of_week": [1, 3], "end_date": "2027-01-12"});
    let expansion = of(weekly);
    assert_eq!(dates(&expansion), ["2027-01-01", "2027-01-05", "2027-01-07", "2027-01-12"]);
    assert_eq!(expansion.end, SeriesEnd::Until);
    let ended = of(json!({"frequency": "daily", "end_date": "2026-12-01"}));
    assert_eq!((dates(&ended).len(), ended.end), (1, SeriesEnd::Until));
    // Days are looked at by weekly patterns only.
    let daily = json!({"frequency": "daily", "days_of_week": [0], "end_date": "2027-01-03"});
    assert_eq!(dates(&of(daily)).len(), 3);
}

#[test]
fn a_start_beyond_the_window_is_not_made() {
    let series = series(local("2027-01-01T09:00"), &zone("America/Sao_Paulo"));
    let pattern = recurrence(&json!({"frequency": "daily"}));
    let expansion = series.expand(&pattern, Some(instant("2027-01-01T11:59:59Z")));
    assert!(expansion.occurrences.is_empty());
    let SeriesEnd::Window { next } = expansion.end else { panic!("{:?}", expansion.end) };
    assert_eq!((next.index, next.wall), (0, local("2027-01-01T09:00")));
}

#[test]
fn monthly_by_the_day_of_the_start() {
    let pattern = recurrence(&json!({"frequency": "monthly", "end_date": "2027-06-30"}));
    let expansion = expand("2027-01-31T09:00", "America/Sao_Paulo", &pattern);
    assert_eq!(dates(&expansion), ["2027-01-31", "2027-03-31", "2027-05-31"]);
    assert_eq!(missing(&expansion), ["2027-02-31", "2027-04-31"]);
}

#[test]
fn a_move_keeps_to_the_clock() {
    let zone = zone("America/New_York");
    let (from, to) = (local("2027-03-07T09:00"), local("2027-03-08T02:30"));
    let moved = Move::new(zone, from, to, TimeDelta::minutes(90)).expect("a move");
    assert_eq!(moved.by(), TimeDelta::minutes(17 * 60 + 30));
    let one = moved.apply(7, local("2027-03-13T09:00")).expect("an occurrence");
    assert_eq!((one.index, one.wall), (7, local("2027-03-14T02:30")));
    assert_eq!(one.shift, Some(Shift { to: local("2027-03-14T03:30") }));
    assert_eq!((one.span.start(), one.span.minutes()), (instant("2027-03-14T07:30Z"), 90));
    let next = moved.apply(8, local("2027-03-20T09:00")).expect("an occurrence");
    assert_eq!((next.span.start(), next.shift), (instant("2027-03-21T06:30Z"), None));
    assert_eq!(Move::new(Zone::utc(), from, to, TimeDelta::zero()), None);
    let far = Move::new(Zone::utc(), from, NaiveDateTime::MAX, TimeDelta::hours(1));
    assert_eq!(far.expect("a move").apply(0, to), None);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn moving_occurrences_moves_the_series(
        rule in rules(), start in starts(), zone in zones(), minutes in -50_000_i64..50_000,
    ) {
        let hour = TimeDelta::hours(1);
        let expansion = series(start, &zone).expand(&rule.pattern(start), None);
        let to = start + TimeDelta::minutes(minutes);
        let mover = |from, to| Move::new(zone.clone(), from, to, hour).expect("a move");
        let (stay, there, back) = (mover(to, to), mover(start, to), mover(to, start));
        let mut moved = Vec::new();
        for one in &expansion.occurrences {
            prop_assert_eq!(stay.apply(one.index, one.wall), Some(*one));
            let new = there.apply(one.index, one.wall).expect("an occurrence");
            prop_assert_eq!(back.apply(new.index, new.wall), Some(*one));
            prop_assert_eq!(new.wall - one.wall, to - start);
            prop_assert_eq!(new.wall.time(), to.time());
            prop_assert_eq!(new.span.end() - new.span.start(), hour);
            moved.push(new);
        }
        prop_assert!(moved.is_sorted_by(|a, b| a.span.start() < b.span.start()));
    }

    /// What the expansion of a daily series from the new start would be.
    #[test]
    fn a_moved_daily_series_is_a_daily_series_from_the_new_start(
        start in starts(), zone in zones(), minutes in -50_000_i64..50_000, count in 1_u32..60,
    ) {
        let to = start + TimeDelta::minutes(minutes);
        let daily = super::rrule(&format!("FREQ=DAILY;COUNT={count}"));
        let (old, new) = (series(start, &zone), series(to, &zone));
        let mover = Move::new(zone, start, to, TimeDelta::hours(1)).expect("a move");
        let old = old.expand(&daily, None);
        let moved: Option<Vec<_>> =
            old.occurrences.iter().map(|one| mover.apply(one.index, one.wall)).collect();
        prop_assert_eq!(walls(&old).len(), usize::try_from(count).expect("small"));
        prop_assert_eq!(moved, Some(new.expand(&daily, None).occurrences));
    }
}
