//! Days of the contract, section 7, and midnights that do not exist or come twice.

use scheduling::{Calendar, Load, Span, Weekly};
use serde_json::json;

use crate::support::{date, instant, rules, span, weekly, zone};

fn starts(zone_name: &str, hours: (&str, &str), day: &str, now: &str) -> Vec<String> {
    let rules = rules(zone_name, hours.0, hours.1, 60);
    let schedule = Weekly::always();
    let calendar = Calendar::new(&rules, &schedule);
    calendar
        .slots(date(day), &Load::free(), instant(now))
        .iter()
        .map(|slot| rules.zone.local(slot.start()).format("%d %H:%M%:z").to_string())
        .collect()
}

#[test]
fn new_york_in_spring_has_22_slots_and_none_at_two() {
    let starts = starts("America/New_York", ("00:00", "23:59"), "2027-03-14", "2027-03-10T00:00Z");
    assert_eq!(starts.len(), 22);
    assert_eq!(starts[..3], ["14 00:00-05:00", "14 01:00-05:00", "14 03:00-04:00"]);
    assert_eq!(starts.last().map(String::as_str), Some("14 22:00-04:00"));
}

#[test]
fn new_york_in_autumn_has_24_slots_and_one_o_clock_twice() {
    let starts = starts("America/New_York", ("00:00", "23:59"), "2027-11-07", "2027-11-01T00:00Z");
    assert_eq!(starts.len(), 24);
    assert_eq!(
        starts[..4],
        ["07 00:00-04:00", "07 01:00-04:00", "07 01:00-05:00", "07 02:00-05:00"]
    );
    assert_eq!(starts.last().map(String::as_str), Some("07 22:00-05:00"));
}

#[test]
fn a_day_starts_at_its_first_existing_instant() {
    for (name, day, start, hours) in [
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00-02:00", 23),
        ("America/Sao_Paulo", "2018-11-03", "2018-11-03T00:00-03:00", 24),
        ("Asia/Beirut", "2022-03-27", "2022-03-27T01:00+03:00", 23),
        ("Africa/Cairo", "2026-04-24", "2026-04-24T01:00+03:00", 23),
        ("Africa/Cairo", "2026-10-29", "2026-10-29T00:00+03:00", 25),
        ("Africa/Cairo", "2026-10-30", "2026-10-30T00:00+02:00", 24),
        ("America/Havana", "2025-11-02", "2025-11-02T00:00-04:00", 25),
        ("America/Havana", "2025-11-01", "2025-11-01T00:00-04:00", 24),
        ("America/Santiago", "2026-04-04", "2026-04-04T00:00-03:00", 25),
        ("America/Santiago", "2026-09-06", "2026-09-06T01:00-03:00", 23),
        ("Pacific/Apia", "2011-12-29", "2011-12-29T00:00-10:00", 24),
        ("Pacific/Apia", "2011-12-31", "2011-12-31T00:00+14:00", 24),
    ] {
        let day = zone(name).day_span(date(day)).expect("a day");
        assert_eq!(day.start(), instant(start), "{name}");
        assert_eq!(day.minutes(), hours * 60, "{name} {start}");
    }
}

#[test]
fn days_follow_each_other_without_hole() {
    for name in ["America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "America/Havana"] {
        let zone = zone(name);
        for day in date("2017-01-01").iter_days().take(4_000) {
            let today = zone.day_span(day).expect("a day");
            let tomorrow = zone.day_span(day.succ_opt().expect("a date")).expect("a day");
            assert_eq!(today.end(), tomorrow.start(), "{name} {day}");
            assert_eq!(zone.date(today.start()), day, "{name}");
        }
    }
}

#[test]
fn a_skipped_date_has_no_instant() {
    let apia = zone("Pacific/Apia");
    assert_eq!(apia.day_span(date("2011-12-30")), None);
    assert_eq!(apia.day_start(date("2011-12-30")), apia.day_start(date("2011-12-31")));
    for hours in [("00:00", "24:00"), ("08:00", "18:00")] {
        assert!(starts("Pacific/Apia", hours, "2011-12-30", "2011-12-20T00:00Z").is_empty());
        let rules = rules("Pacific/Apia", hours.0, hours.1, 60);
        let always = Weekly::always();
        let calendar = Calendar::new(&rules, &always);
        assert!(calendar.open(date("2011-12-30")).is_empty());
    }
    let last = starts("Pacific/Apia", ("00:00", "24:00"), "2011-12-29", "2011-12-20T00:00Z");
    assert_eq!((last.len(), last[23].as_str()), (24, "29 23:00-10:00"));
}

#[test]
fn a_day_open_around_the_clock_starts_at_midnight() {
    let whole = ("00:00", "24:00");
    let cairo = starts("Africa/Cairo", whole, "2026-04-24", "2026-04-20T00:00Z");
    assert_eq!((cairo.len(), cairo[0].as_str()), (23, "24 01:00+03:00"));
    let havana = starts("America/Havana", whole, "2025-11-02", "2025-10-30T00:00Z");
    assert_eq!(havana.len(), 25);
    assert_eq!(havana[..2], ["02 00:00-04:00", "02 00:00-05:00"]);
    let eve = starts("America/Havana", whole, "2025-11-01", "2025-10-30T00:00Z");
    assert_eq!((eve.len(), eve[23].as_str()), (24, "01 23:00-04:00"));
}

#[test]
fn open_clips_merges_and_closes() {
    let rules = rules("America/Sao_Paulo", "08:00", "18:00", 30);
    let schedule = weekly(&json!({
        "monday": ["06:00-09:00", "14:00-15:00", "13:00-14:30", "17:30-24:00"],
        "tuesday": ["19:00-20:00"],
        "sunday": []
    }));
    let calendar = Calendar::new(&rules, &schedule);
    let monday = [
        span("2027-01-04T08:00-03:00", "2027-01-04T09:00-03:00"),
        span("2027-01-04T13:00-03:00", "2027-01-04T15:00-03:00"),
        span("2027-01-04T17:30-03:00", "2027-01-04T18:00-03:00"),
    ];
    assert_eq!(calendar.open(date("2027-01-04")), monday);
    for closed in ["2027-01-03", "2027-01-05", "2027-01-06"] {
        assert_eq!(calendar.open(date(closed)), [], "{closed}");
    }
    let slots = calendar.slots(date("2027-01-04"), &Load::free(), instant("2027-01-01T00:00Z"));
    assert_eq!(slots.iter().map(Span::minutes).sum::<i64>(), 210);
}

/// Ranges with an hour between them become one stretch when the clock skips that hour.
#[test]
fn ranges_that_touch_as_instants_are_one_stretch() {
    let rules = rules("America/New_York", "00:00", "24:00", 60);
    let schedule = weekly(&json!({"sunday": ["00:00-02:00", "03:00-05:00"]}));
    let calendar = Calendar::new(&rules, &schedule);
    let spring = [span("2027-03-14T00:00-05:00", "2027-03-14T05:00-04:00")];
    assert_eq!(calendar.open(date("2027-03-14")), spring);
    assert_eq!(calendar.open(date("2027-03-21")).len(), 2);
}

/// St. John's, 2010-11-07: at 00:01 the clock went back to 23:01 of the day before.
#[test]
fn the_evening_that_comes_back_after_midnight_belongs_to_no_day() {
    let rules = rules("America/St_Johns", "00:00", "24:00", 30);
    let schedule = Weekly::always();
    let calendar = Calendar::new(&rules, &schedule);
    let slots = |day| calendar.slots(date(day), &Load::free(), instant("2010-11-01T00:00Z"));
    assert_eq!(slots("2010-11-06").len(), 48);
    let sunday = slots("2010-11-07");
    assert_eq!(sunday.len(), 49);
    assert_eq!(sunday[0].start(), instant("2010-11-07T00:00-02:30"));
    assert_eq!(sunday[1].start(), instant("2010-11-07T00:00-03:30"));
}

#[test]
fn a_range_that_only_touches_the_hours_stays_closed_in_an_overlap() {
    for (hours, range) in [(("01:30", "05:00"), "00:00-01:30"), (("00:00", "01:30"), "01:30-05:00")]
    {
        let rules = rules("America/New_York", hours.0, hours.1, 30);
        let schedule = weekly(&json!({"sunday": [range]}));
        let calendar = Calendar::new(&rules, &schedule);
        assert_eq!(calendar.open(date("2027-11-07")), [], "{range}");
    }
}

#[test]
fn no_range_reaches_past_the_first_midnight() {
    let rules = rules("America/St_Johns", "00:00", "24:00", 30);
    let schedule = weekly(&json!({"saturday": ["22:00-23:30"]}));
    let calendar = Calendar::new(&rules, &schedule);
    let evening = span("2010-11-06T22:00-02:30", "2010-11-07T00:00-02:30");
    assert_eq!(calendar.open(date("2010-11-06")), [evening]);
}
