//! The pure parts of an availability answer.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use scheduling::{Policy, Rules, Weekly};
use serde_json::{Value, json};

use crate::error::NoAnswer;

/// Working hours can reach beyond the civil day where the clock goes back over midnight; bookings
/// that lie outside the hours do no harm.
const MARGIN: TimeDelta = TimeDelta::hours(3);

/// Reads `YYYY-MM-DD` and nothing else.
pub(super) fn parse(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if shape { text.parse().ok() } else { None }
}

/// Refuses a date before today or beyond `advance_days` from today, both in the tenant's zone.
pub(super) fn check(rules: &Rules, date: NaiveDate, now: DateTime<Utc>) -> Result<(), NoAnswer> {
    let today = rules.zone.date(now);
    if date < today {
        return Err(NoAnswer::PastDate);
    }
    let days = rules.advance_days;
    match today.checked_add_days(Days::new(u64::from(days))) {
        Some(last) if date > last => Err(NoAnswer::TooFarAhead { days }),
        Some(_) | None => Ok(()),
    }
}

/// The instants whose bookings can matter for a civil date, the room around bookings included.
pub(super) fn reach(
    rules: &Rules,
    policy: &Policy,
    date: NaiveDate,
) -> (DateTime<Utc>, DateTime<Utc>) {
    let room = |minutes: u32| MARGIN + TimeDelta::minutes(i64::from(minutes));
    let from = rules.zone.day_start(date) - room(policy.buffer_before_minutes);
    (from, end(rules, date) + room(policy.buffer_after_minutes))
}

/// When a civil date is over, and with it the right to ask for it.
pub(super) fn end(rules: &Rules, date: NaiveDate) -> DateTime<Utc> {
    rules.zone.day_start(date.succ_opt().unwrap_or(date))
}

/// A stored schedule. It was checked when it was written; one that no longer reads is closed.
pub(in crate::app) fn schedule(stored: &Value) -> Weekly {
    let closed = || Weekly::parse(&json!({ "monday": [] }));
    Weekly::parse(stored).or_else(|_| closed()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use scheduling::{ClockTime, WorkingHours, zone::Zone};

    use super::*;

    fn rules(zone: &str) -> Rules {
        let hours = WorkingHours::new(ClockTime::MIDNIGHT, ClockTime::END_OF_DAY).unwrap();
        let zone = Zone::parse(zone).unwrap();
        Rules { zone, hours, interval_minutes: 60, advance_days: 2, cancellation_hours: 0 }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn date(text: &str) -> NaiveDate {
        parse(text).unwrap()
    }

    #[test]
    fn only_one_way_to_write_a_date() {
        assert!(parse("2027-03-14").is_some());
        for bad in
            ["2027-3-14", "14/03/2027", "2027-02-30", " 2027-03-14", "2027-03-1é", "+027-03-14", ""]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn today_is_the_tenants() {
        let (rules, now) = (rules("America/Sao_Paulo"), at("2027-03-15T02:00:00Z"));
        assert_eq!(check(&rules, date("2027-03-13"), now), Err(NoAnswer::PastDate));
        assert_eq!(check(&rules, date("2027-03-14"), now), Ok(()));
        assert_eq!(check(&rules, date("2027-03-16"), now), Ok(()));
        let too_far = NoAnswer::TooFarAhead { days: 2 };
        assert_eq!(check(&rules, date("2027-03-17"), now), Err(too_far));
    }

    #[test]
    fn a_date_ends_when_it_may_no_longer_be_asked_for() {
        let rules = rules("America/Havana");
        let end = end(&rules, date("2026-11-01"));
        assert_eq!(check(&rules, date("2026-11-01"), end - TimeDelta::seconds(1)), Ok(()));
        assert_eq!(check(&rules, date("2026-11-01"), end), Err(NoAnswer::PastDate));
    }

    #[test]
    fn the_reach_covers_a_skipped_date_too() {
        let (from, to) = reach(&rules("Pacific/Apia"), Policy::OPEN, date("2011-12-30"));
        assert!(from < to);
    }

    #[test]
    fn a_schedule_that_no_longer_reads_is_closed() {
        let closed = schedule(&json!({ "someday": 1 }));
        assert!(!closed.is_always());
        assert!(schedule(&json!({})).is_always());
    }
}
