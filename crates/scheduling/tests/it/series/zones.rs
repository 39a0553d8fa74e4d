//! Every zone of semantics.md, day by day over its changes: computed with Python's zoneinfo and
//! tzdata 2026f.

use chrono::{TimeDelta, TimeZone as _, Utc};
use scheduling::{Occurrence, tzdb_version};

use super::{dates, expand, missing, rrule};
use crate::support::{instant, local, zone};

/// Three days from `start`, at the same time on the clock: the instants, and what the clock shows
/// on the second day when that is another time.
struct Vector {
    zone: &'static str,
    start: &'static str,
    instants: [&'static str; 3],
    shifted: Option<&'static str>,
}

const fn kept(zone: &'static str, start: &'static str, instants: [&'static str; 3]) -> Vector {
    Vector { zone, start, instants, shifted: None }
}

const fn gap(
    zone: &'static str,
    start: &'static str,
    instants: [&'static str; 3],
    to: &'static str,
) -> Vector {
    Vector { zone, start, instants, shifted: Some(to) }
}

#[rustfmt::skip]
const VECTORS: [Vector; 25] = [
    gap("America/New_York", "2027-03-13T02:30", ["2027-03-13T07:30Z", "2027-03-14T07:30Z", "2027-03-15T06:30Z"], "2027-03-14T03:30"),
    kept("America/New_York", "2027-11-06T01:30", ["2027-11-06T05:30Z", "2027-11-07T05:30Z", "2027-11-08T06:30Z"]),
    gap("Europe/London", "2027-03-27T01:30", ["2027-03-27T01:30Z", "2027-03-28T01:30Z", "2027-03-29T00:30Z"], "2027-03-28T02:30"),
    kept("Europe/London", "2027-10-30T01:30", ["2027-10-30T00:30Z", "2027-10-31T00:30Z", "2027-11-01T01:30Z"]),
    kept("Australia/Lord_Howe", "2026-04-04T01:45", ["2026-04-03T14:45Z", "2026-04-04T14:45Z", "2026-04-05T15:15Z"]),
    gap("Australia/Lord_Howe", "2026-10-03T02:15", ["2026-10-02T15:45Z", "2026-10-03T15:45Z", "2026-10-04T15:15Z"], "2026-10-04T02:45"),
    gap("Antarctica/Troll", "2026-03-28T01:30", ["2026-03-28T01:30Z", "2026-03-29T01:30Z", "2026-03-29T23:30Z"], "2026-03-29T03:30"),
    kept("Antarctica/Troll", "2026-10-24T01:30", ["2026-10-23T23:30Z", "2026-10-24T23:30Z", "2026-10-26T01:30Z"]),
    gap("Africa/Cairo", "2026-04-23T00:30", ["2026-04-22T22:30Z", "2026-04-23T22:30Z", "2026-04-24T21:30Z"], "2026-04-24T01:30"),
    kept("Africa/Cairo", "2026-10-28T23:30", ["2026-10-28T20:30Z", "2026-10-29T20:30Z", "2026-10-30T21:30Z"]),
    gap("Asia/Beirut", "2026-03-28T00:30", ["2026-03-27T22:30Z", "2026-03-28T22:30Z", "2026-03-29T21:30Z"], "2026-03-29T01:30"),
    kept("Asia/Beirut", "2026-10-23T23:30", ["2026-10-23T20:30Z", "2026-10-24T20:30Z", "2026-10-25T21:30Z"]),
    gap("America/Havana", "2026-03-07T00:30", ["2026-03-07T05:30Z", "2026-03-08T05:30Z", "2026-03-09T04:30Z"], "2026-03-08T01:30"),
    kept("America/Havana", "2027-11-06T00:30", ["2027-11-06T04:30Z", "2027-11-07T04:30Z", "2027-11-08T05:30Z"]),
    kept("America/Santiago", "2026-04-03T23:30", ["2026-04-04T02:30Z", "2026-04-05T02:30Z", "2026-04-06T03:30Z"]),
    gap("America/Santiago", "2026-09-05T00:30", ["2026-09-05T04:30Z", "2026-09-06T04:30Z", "2026-09-07T03:30Z"], "2026-09-06T01:30"),
    kept("Africa/Casablanca", "2026-02-14T02:30", ["2026-02-14T01:30Z", "2026-02-15T01:30Z", "2026-02-16T02:30Z"]),
    gap("Africa/Casablanca", "2026-03-21T02:30", ["2026-03-21T02:30Z", "2026-03-22T02:30Z", "2026-03-23T01:30Z"], "2026-03-22T03:30"),
    kept("Africa/Casablanca", "2026-09-19T01:30", ["2026-09-19T00:30Z", "2026-09-20T00:30Z", "2026-09-21T01:30Z"]),
    kept("Pacific/Chatham", "2026-04-04T03:00", ["2026-04-03T13:15Z", "2026-04-04T13:15Z", "2026-04-05T14:15Z"]),
    gap("Pacific/Chatham", "2026-09-26T03:00", ["2026-09-25T14:15Z", "2026-09-26T14:15Z", "2026-09-27T13:15Z"], "2026-09-27T04:00"),
    kept("Asia/Kathmandu", "2026-03-28T09:00", ["2026-03-28T03:15Z", "2026-03-29T03:15Z", "2026-03-30T03:15Z"]),
    kept("Australia/Eucla", "2026-10-03T02:15", ["2026-10-02T17:30Z", "2026-10-03T17:30Z", "2026-10-04T17:30Z"]),
    kept("America/Sao_Paulo", "2026-10-31T00:30", ["2026-10-31T03:30Z", "2026-11-01T03:30Z", "2026-11-02T03:30Z"]),
    gap("America/Sao_Paulo", "2018-11-03T00:30", ["2018-11-03T03:30Z", "2018-11-04T03:30Z", "2018-11-05T02:30Z"], "2018-11-04T01:30"),
];

fn starts(occurrences: &[Occurrence]) -> Vec<chrono::DateTime<Utc>> {
    occurrences.iter().map(|one| one.span.start()).collect()
}

#[test]
fn daily_over_the_changes_of_every_zone() {
    for Vector { zone, start, instants, shifted } in VECTORS {
        let expansion = expand(start, zone, &rrule("FREQ=DAILY;COUNT=3"));
        let given = &expansion.occurrences;
        assert_eq!(starts(given), instants.map(instant), "{zone} {start}");
        let shift = given[1].shift.map(|shift| shift.to);
        assert_eq!(shift, shifted.map(local), "{zone} {start}");
        assert_eq!((given[0].shift, given[2].shift), (None, None), "{zone} {start}");
        for (days, one) in (0..).zip(given) {
            assert_eq!(one.wall, local(start) + TimeDelta::days(days), "{zone} {start}");
            assert_eq!(one.span.minutes(), 60, "{zone} {start}");
        }
    }
}

/// Cuba kept daylight saving time in the winter of 2026; release 2026f knows it, 2026e does not.
#[test]
fn havana_in_november_2026_depends_on_the_release() {
    let version = tzdb_version();
    let release = version.split_whitespace().last().expect("a release");
    let third = if release >= "2026f" { "2026-11-02T04:30Z" } else { "2026-11-02T05:30Z" };
    let given = expand("2026-10-31T00:30", "America/Havana", &rrule("FREQ=DAILY;COUNT=3"));
    let wanted = ["2026-10-31T04:30Z", "2026-11-01T04:30Z", third].map(instant);
    assert_eq!(starts(&given.occurrences), wanted, "{version}");
    assert!(given.occurrences.iter().all(|one| one.shift.is_none()));
}

#[test]
fn midnights_that_do_not_exist_are_shifted_and_not_dropped() {
    for (zone, start) in [
        ("Africa/Cairo", "2024-04-25T00:00"),
        ("Asia/Beirut", "2022-03-26T00:00"),
        ("America/Sao_Paulo", "2018-11-03T00:00"),
    ] {
        let given = expand(start, zone, &rrule("FREQ=DAILY;COUNT=3")).occurrences;
        assert_eq!(given.len(), 3, "{zone}");
        let to = given[1].shift.expect("a shift").to;
        assert_eq!(to, given[1].wall + TimeDelta::hours(1), "{zone}");
        assert_eq!(given[1].span.end(), given[1].span.start() + TimeDelta::hours(1), "{zone}");
    }
}

#[test]
fn a_date_that_the_zone_skipped_is_missing_and_not_counted() {
    let given = expand("2011-12-29T10:00", "Pacific/Apia", &rrule("FREQ=DAILY;COUNT=3"));
    assert_eq!(dates(&given), ["2011-12-29", "2011-12-31", "2012-01-01"]);
    assert_eq!(missing(&given), ["2011-12-30"]);
    let instants = ["2011-12-29T20:00Z", "2011-12-30T20:00Z", "2011-12-31T20:00Z"];
    assert_eq!(starts(&given.occurrences), instants.map(instant));
}

#[test]
fn an_until_with_z_is_an_instant() {
    // 09:00 in São Paulo is 12:00 in UTC.
    let rule = |until: &str| rrule(&format!("FREQ=DAILY;UNTIL={until}"));
    let count = |until: &str| {
        expand("2027-01-01T09:00", "America/Sao_Paulo", &rule(until)).occurrences.len()
    };
    assert_eq!(count("20270103T090000"), 3);
    assert_eq!(count("20270103T090000Z"), 2);
    assert_eq!(count("20270103T115959Z"), 2);
    assert_eq!(count("20270103T120000Z"), 3);
    assert_eq!(count("20270103"), 3);
    // A shifted occurrence keeps its place on the wall clock: 02:30, shown as 03:30.
    let gap = |until: &str| {
        expand("2027-03-13T02:30", "America/New_York", &rule(until)).occurrences.len()
    };
    assert_eq!(gap("20270314T023000"), 2);
    assert_eq!(gap("20270314T022959"), 1);
    assert_eq!(gap("20270314T073000Z"), 2);
    assert_eq!(gap("20270314T072959Z"), 1);
}

#[test]
fn sixty_minutes_are_sixty_elapsed_minutes() {
    let before = Utc.with_ymd_and_hms(2027, 11, 7, 5, 30, 0).single().expect("an instant");
    let span = Occurrence::at(
        &zone("America/New_York"),
        0,
        local("2027-11-07T01:30"),
        TimeDelta::minutes(90),
    )
    .expect("an occurrence")
    .span;
    // 01:30 and 90 minutes later the clock shows 02:00.
    assert_eq!((span.start(), span.end()), (before, before + TimeDelta::minutes(90)));
    let shown = zone("America/New_York").local(span.end()).naive_local();
    assert_eq!(shown, local("2027-11-07T02:00"));
}
