//! Vectors for every zone of semantics.md, checked against Python's tzdata 2026f.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use scheduling::{ClockTime, LocalInstant, Zone, tzdb_version};

use crate::support::{clock, config, date, instant, local, zone};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Gap,
    Overlap,
}
use Kind::{Gap, Overlap};

/// A change of the clock: its kind, the civil date it belongs to, the local times skipped or
/// repeated, its instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) zone: &'static str,
    pub(crate) kind: Kind,
    pub(crate) date: &'static str,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) at: &'static str,
}

const fn change(
    zone: &'static str,
    kind: Kind,
    date: &'static str,
    (from, to): (&'static str, &'static str),
    at: &'static str,
) -> Change {
    Change { zone, kind, date, from, to, at }
}

pub(crate) const CHANGES: [Change; 26] = [
    change("America/New_York", Gap, "2027-03-14", ("02:00", "03:00"), "2027-03-14T07:00Z"),
    change("America/New_York", Overlap, "2027-11-07", ("01:00", "02:00"), "2027-11-07T06:00Z"),
    change("Europe/London", Gap, "2027-03-28", ("01:00", "02:00"), "2027-03-28T01:00Z"),
    change("Europe/London", Overlap, "2027-10-31", ("01:00", "02:00"), "2027-10-31T01:00Z"),
    change("Australia/Lord_Howe", Overlap, "2026-04-05", ("01:30", "02:00"), "2026-04-04T15:00Z"),
    change("Australia/Lord_Howe", Gap, "2026-10-04", ("02:00", "02:30"), "2026-10-03T15:30Z"),
    change("Antarctica/Troll", Gap, "2026-03-29", ("01:00", "03:00"), "2026-03-29T01:00Z"),
    change("Antarctica/Troll", Overlap, "2026-10-25", ("01:00", "03:00"), "2026-10-25T01:00Z"),
    change("Africa/Cairo", Gap, "2026-04-24", ("00:00", "01:00"), "2026-04-23T22:00Z"),
    change("Africa/Cairo", Overlap, "2026-10-29", ("23:00", "24:00"), "2026-10-29T21:00Z"),
    change("Asia/Beirut", Gap, "2022-03-27", ("00:00", "01:00"), "2022-03-26T22:00Z"),
    change("Asia/Beirut", Gap, "2026-03-29", ("00:00", "01:00"), "2026-03-28T22:00Z"),
    change("Asia/Beirut", Overlap, "2026-10-24", ("23:00", "24:00"), "2026-10-24T21:00Z"),
    change("America/Havana", Gap, "2026-03-08", ("00:00", "01:00"), "2026-03-08T05:00Z"),
    change("America/Havana", Overlap, "2025-11-02", ("00:00", "01:00"), "2025-11-02T05:00Z"),
    change("America/Havana", Overlap, "2027-11-07", ("00:00", "01:00"), "2027-11-07T05:00Z"),
    change("America/Santiago", Overlap, "2026-04-04", ("23:00", "24:00"), "2026-04-05T03:00Z"),
    change("America/Santiago", Gap, "2026-09-06", ("00:00", "01:00"), "2026-09-06T04:00Z"),
    change("Africa/Casablanca", Overlap, "2026-02-15", ("02:00", "03:00"), "2026-02-15T02:00Z"),
    change("Africa/Casablanca", Gap, "2026-03-22", ("02:00", "03:00"), "2026-03-22T02:00Z"),
    change("Africa/Casablanca", Overlap, "2026-09-20", ("01:00", "02:00"), "2026-09-20T01:00Z"),
    change("Pacific/Chatham", Overlap, "2026-04-05", ("02:45", "03:45"), "2026-04-04T14:00Z"),
    change("Pacific/Chatham", Gap, "2026-09-27", ("02:45", "03:45"), "2026-09-26T14:00Z"),
    change("America/Sao_Paulo", Overlap, "2018-02-17", ("23:00", "24:00"), "2018-02-18T02:00Z"),
    change("America/Sao_Paulo", Gap, "2018-11-04", ("00:00", "01:00"), "2018-11-04T03:00Z"),
    change("Pacific/Apia", Gap, "2011-12-30", ("00:00", "24:00"), "2011-12-30T10:00Z"),
];

impl Change {
    pub(crate) fn seconds(&self) -> TimeDelta {
        let (from, to) = (clock(self.from).seconds(), clock(self.to).seconds());
        TimeDelta::seconds(i64::from(to) - i64::from(from))
    }

    fn reads(&self, second: u32) -> (Zone, LocalInstant) {
        let zone = zone(self.zone);
        let wall = date(self.date).and_time(chrono::NaiveTime::MIN)
            + TimeDelta::seconds(i64::from(second));
        let read = zone.resolve(wall);
        (zone, read)
    }
}

fn unique(read: LocalInstant) -> DateTime<Utc> {
    match read {
        LocalInstant::Unique(instant) => instant,
        LocalInstant::Gap { .. } | LocalInstant::Overlap { .. } => panic!("{read:?}"),
    }
}

#[test]
fn local_times_around_a_change() {
    for change in CHANGES {
        let (from, to) = (clock(change.from).seconds(), clock(change.to).seconds());
        let (at, length) = (instant(change.at), change.seconds());
        for second in [from, from.midpoint(to), to - 1] {
            let (_, read) = change.reads(second);
            let elapsed = TimeDelta::seconds(i64::from(second - from));
            let wanted = match change.kind {
                Gap => LocalInstant::Gap { transition: at, shifted: at + elapsed },
                Overlap => {
                    LocalInstant::Overlap { earlier: at - length + elapsed, later: at + elapsed }
                }
            };
            assert_eq!(read, wanted, "{change:?} {second}");
        }
        let (zone, after) = change.reads(to);
        let expected = match change.kind {
            Gap => at,
            Overlap => at + length,
        };
        assert_eq!(unique(after), expected, "{change:?}");
        if from > 0 {
            let (_, before) = change.reads(from - 1);
            let expected = match change.kind {
                Gap => at,
                Overlap => at - length,
            };
            assert_eq!(unique(before), expected - TimeDelta::seconds(1), "{change:?}");
        }
        let jump = zone.local(at).offset().local_minus_utc()
            - zone.local(at - TimeDelta::seconds(1)).offset().local_minus_utc();
        let expected = match change.kind {
            Gap => length,
            Overlap => -length,
        };
        assert_eq!(i64::from(jump), expected.num_seconds(), "{change:?}");
    }
}

#[test]
fn window_edges_inside_a_change() {
    for change in CHANGES {
        let (zone, at, day) = (zone(change.zone), instant(change.at), date(change.date));
        let (from, to) = (clock(change.from).seconds(), clock(change.to).seconds());
        let middle = ClockTime::from_seconds(from.midpoint(to)).expect("inside a day");
        let (start, end) = (zone.window_start(day, middle), zone.window_end(day, middle));
        let half = change.seconds() / 2;
        match change.kind {
            Gap => assert_eq!((start, end), (at, at), "{change:?}"),
            Overlap => assert_eq!((start, end), (at - half, at + half), "{change:?}"),
        }
    }
}

/// Cuba kept daylight saving time in the winter of 2026; release 2026f knows it, 2026e does not.
#[test]
fn havana_in_november_2026_depends_on_the_release() {
    let version = tzdb_version();
    let release = version.split_whitespace().last().expect("a release");
    let day = zone("America/Havana").day_span(date("2026-11-01")).expect("a day");
    let hours = if release >= "2026f" { 24 } else { 25 };
    assert_eq!(day.minutes(), hours * 60, "{version}");
    assert_eq!(day.start(), instant("2026-11-01T04:00Z"));
}

#[test]
fn zones_without_changes() {
    for (name, minutes) in
        [("Asia/Kathmandu", 345), ("Australia/Eucla", 525), ("America/Sao_Paulo", -180), ("UTC", 0)]
    {
        let zone = zone(name);
        for day in date("2026-01-01").iter_days().take(730) {
            let span = zone.day_span(day).expect("a day");
            assert_eq!(span.minutes(), 1_440, "{name} {day}");
            assert_eq!(zone.local(span.start()).offset().local_minus_utc(), minutes * 60);
        }
    }
}

#[test]
fn tables_are_newer_than_those_of_chrono_tz() {
    // 15 December 2026, 09:00 local: chrono-tz 0.10.4 says -7, -8, -6 and +1.
    for (name, hour) in [
        ("America/Edmonton", "15:00"),
        ("America/Vancouver", "16:00"),
        ("America/Winnipeg", "14:00"),
        ("Africa/Casablanca", "09:00"),
    ] {
        let read = zone(name).resolve(local("2026-12-15T09:00"));
        assert_eq!(unique(read), instant(&format!("2026-12-15T{hour}Z")), "{name}");
    }
}

#[test]
fn names_are_checked() {
    for name in ["America/Sao_Paulo", "UTC", "Etc/GMT+3", "US/Eastern", "Asia/Calcutta"] {
        assert_eq!(zone(name).name(), name);
        assert_eq!(zone(name).to_string(), name);
    }
    for name in ["", "america/sao_paulo", "BRT", "+03:00", "Brasil", "UTC ", "../etc/passwd", "é"]
    {
        let refused = Zone::parse(name).expect_err(name);
        assert_eq!(refused.name, name);
        assert_eq!(refused.to_string(), format!("Fuso horário desconhecido: {name}"));
    }
    assert_eq!(Zone::utc(), zone("UTC"));
    assert_ne!(zone("America/Bahia"), zone("America/Sao_Paulo"));
    assert_eq!(format!("{:?}", Zone::utc()), "Zone(\"UTC\")");
}

#[test]
fn every_name_of_chrono_tz_is_known() {
    for name in chrono_tz::TZ_VARIANTS {
        assert!(Zone::parse(name.name()).is_ok(), "{name}");
    }
}

#[test]
fn the_version_tells_source_and_release() {
    let version = tzdb_version();
    let (source, release) = version.split_once(' ').expect("two words");
    assert!(["bundled", "system"].contains(&source), "{version}");
    assert!(release >= "2026e", "{version}");
}

#[test]
fn extreme_dates_do_not_panic() {
    for zone in [zone("America/Sao_Paulo"), zone("Pacific/Kiritimati"), Zone::utc()] {
        for day in [chrono::NaiveDate::MIN, chrono::NaiveDate::MAX, date("9999-12-31")] {
            let _ = zone.day_span(day);
            let _ = zone.window_end(day, clock("23:59:59"));
        }
        for instant in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let _ = zone.date(instant);
            let _ = zone.local(instant);
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_instant_is_among_the_readings_of_its_local_time(
        index in 0..CHANGES.len(), second in -200_000_i64..200_000,
    ) {
        let change = CHANGES[index];
        let zone = zone(change.zone);
        let instant = instant(change.at) + TimeDelta::seconds(second);
        let wall = zone.local(instant).naive_local();
        prop_assert_eq!(zone.date(instant), wall.date());
        match zone.resolve(wall) {
            LocalInstant::Unique(read) => prop_assert_eq!(read, instant),
            LocalInstant::Overlap { earlier, later } => {
                prop_assert!(earlier < later);
                prop_assert!(instant == earlier || instant == later);
            }
            LocalInstant::Gap { .. } => prop_assert!(false, "the clock showed {wall}"),
        }
    }
}
