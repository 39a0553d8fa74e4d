//! A random calendar, day, clock and set of bookings.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::{collection::vec, prelude::*, sample::select};
use scheduling::{Calendar, ClockTime, Load, Rules, Span, Weekly, WorkingHours};
use serde_json::{Value, json};

use crate::{
    support::{date, minutes, weekly, zone},
    zones::CHANGES,
};

/// Zones whose offset never changes after 2020.
pub(crate) const FIXED: [&str; 5] =
    ["UTC", "Etc/GMT+3", "Asia/Kathmandu", "Australia/Eucla", "America/Sao_Paulo"];

/// Days whose midnight the clock jumps to, or goes back over: in St. John's from 00:01 to 23:01.
const OVER_MIDNIGHT: [(&str, &str); 4] = [
    ("America/St_Johns", "2010-11-06"),
    ("America/St_Johns", "2010-11-07"),
    ("America/Nuuk", "2026-03-28"),
    ("America/Nuuk", "2026-10-24"),
];

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) rules: Rules,
    pub(crate) schedule: Weekly,
    /// The wire form of `schedule`.
    pub(crate) wire: Value,
    pub(crate) date: NaiveDate,
    pub(crate) now: DateTime<Utc>,
    pub(crate) bookings: Vec<Span>,
}

impl Scene {
    pub(crate) fn calendar(&self) -> Calendar<'_> {
        Calendar::new(&self.rules, &self.schedule)
    }

    pub(crate) fn taken(&self) -> Load {
        Load::from_spans(self.bookings.iter().copied())
    }

    pub(crate) fn slots(&self) -> Vec<Span> {
        self.calendar().slots(self.date, &self.taken(), self.now)
    }

    /// A span that starts so many minutes after the midnight of the scene's date.
    pub(crate) fn span(&self, start: i64, length: i64) -> Span {
        span_after(self.rules.zone.day_start(self.date), start, length)
    }
}

fn span_after(midnight: DateTime<Utc>, start: i64, length: i64) -> Span {
    let start = midnight + minutes(start);
    Span::new(start, start + minutes(length)).expect("a positive length")
}

/// A day on which the clock changes, its neighbour, or any day.
fn place_and_date() -> impl Strategy<Value = (&'static str, NaiveDate)> {
    let near_a_change = (0..CHANGES.len(), -1_i64..=1).prop_map(|(index, days)| {
        (CHANGES[index].zone, date(CHANGES[index].date) + TimeDelta::days(days))
    });
    prop_oneof![
        4 => near_a_change,
        1 => select(OVER_MIDNIGHT.to_vec()).prop_map(|(zone_name, day)| (zone_name, date(day))),
        1 => (select(FIXED.to_vec()), any_date()),
    ]
}

fn any_date() -> impl Strategy<Value = NaiveDate> {
    (0_i64..730).prop_map(|days| date("2026-01-01") + TimeDelta::days(days))
}

fn clock_range() -> impl Strategy<Value = (ClockTime, ClockTime)> {
    let quarters = (0_u32..96, 1_u32..=96)
        .prop_map(|(start, length)| (start * 900, (start + length).min(96) * 900));
    let odd = (0_u32..1_380, 1_u32..=480)
        .prop_map(|(start, length)| (start * 60, (start + length).min(1_440) * 60));
    prop_oneof![3 => quarters, 1 => odd, 1 => Just((0, 86_400))].prop_map(|(start, end)| {
        let at = |seconds| ClockTime::from_seconds(seconds).expect("inside a day");
        (at(start), at(end))
    })
}

fn schedule() -> impl Strategy<Value = Value> {
    let days = vec(vec(clock_range(), 0..4), 7).prop_map(|days| {
        let named = days.iter().zip(DAYS).map(|(ranges, day)| {
            let ranges: Vec<_> =
                ranges.iter().map(|(start, end)| format!("{start}-{end}")).collect();
            (day.to_owned(), json!(ranges))
        });
        Value::Object(named.collect())
    });
    prop_oneof![1 => Just(json!({})), 2 => days]
}

fn rules(zone_name: &'static str) -> impl Strategy<Value = Rules> {
    let intervals = select(vec![5_u32, 10, 15, 20, 30, 45, 50, 60, 90, 120, 480]);
    (clock_range(), intervals, 0_u32..40).prop_map(move |((start, end), interval, days)| Rules {
        zone: zone(zone_name),
        hours: WorkingHours::new(start, end).expect("start before end"),
        interval_minutes: interval,
        advance_days: days,
        cancellation_hours: 24,
    })
}

/// Any zone of the table, mostly on a day around a change.
pub(crate) fn scenes() -> impl Strategy<Value = Scene> {
    place_and_date().prop_flat_map(|(zone_name, date)| scenes_at(zone_name, date))
}

/// A zone without changes, any day of 2026 and 2027.
pub(crate) fn fixed_scenes() -> impl Strategy<Value = Scene> {
    (select(FIXED.to_vec()), any_date())
        .prop_flat_map(|(zone_name, date)| scenes_at(zone_name, date))
}

fn scenes_at(zone_name: &'static str, date: NaiveDate) -> impl Strategy<Value = Scene> {
    let before = prop_oneof![2 => -1_440_i64..2_880, 1 => 0_i64..60_000];
    let bookings = vec((-300_i64..1_800, 1_i64..300), 0..6);
    (rules(zone_name), schedule(), before, bookings).prop_map(
        move |(rules, wire, before, bookings)| {
            let midnight = rules.zone.day_start(date);
            let bookings = bookings
                .into_iter()
                .map(|(start, length)| span_after(midnight, start, length))
                .collect();
            let (schedule, now) = (weekly(&wire), midnight - minutes(before));
            Scene { rules, schedule, wire, date, now, bookings }
        },
    )
}
