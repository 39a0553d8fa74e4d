//! Short spellings of values.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use proptest::test_runner::Config;
use scheduling::{ClockTime, Rules, Span, TimeInput, Weekly, WorkingHours, Zone};

pub(crate) fn config() -> Config {
    let default = Config::default();
    Config { cases: default.cases.max(10_000), ..default }
}

pub(crate) fn zone(name: &str) -> Zone {
    Zone::parse(name).expect("a zone")
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    match TimeInput::parse(text) {
        Some(TimeInput::Instant(instant)) => instant,
        other => panic!("{text}: {other:?}"),
    }
}

pub(crate) fn local(text: &str) -> NaiveDateTime {
    match TimeInput::parse(text) {
        Some(TimeInput::Local(local)) => local,
        other => panic!("{text}: {other:?}"),
    }
}

pub(crate) fn span(start: &str, end: &str) -> Span {
    Span::new(instant(start), instant(end)).expect("end after start")
}

pub(crate) fn clock(text: &str) -> ClockTime {
    ClockTime::parse_end(text).expect("a clock time")
}

pub(crate) fn hours(start: &str, end: &str) -> WorkingHours {
    WorkingHours::new(clock(start), clock(end)).expect("start before end")
}

pub(crate) fn rules(zone_name: &str, start: &str, end: &str, interval_minutes: u32) -> Rules {
    Rules {
        zone: zone(zone_name),
        hours: hours(start, end),
        interval_minutes,
        advance_days: 30,
        cancellation_hours: 24,
    }
}

pub(crate) fn weekly(value: &serde_json::Value) -> Weekly {
    Weekly::parse(value).expect("a schedule")
}

pub(crate) fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}
