//! What the files say, byte by byte.

use chrono::{TimeDelta, TimeZone as _, Utc};
use proptest::prelude::*;
use scheduling::icalendar::{self, FreeBusy, Heading, State};
use scheduling::{Occupancy, Zone};

use super::event;
use crate::support::{config, instant, span, zone};

/// The lines of a file, unfolded; no line is longer than 75 octets.
fn lines(file: &str) -> Vec<String> {
    let raw = file.strip_suffix("\r\n").expect("the last line ends");
    assert!(
        raw.split("\r\n").all(|line| line.len() <= 75 && !line.contains(['\r', '\n'])),
        "{raw}"
    );
    raw.replace("\r\n ", "").split("\r\n").map(str::to_owned).collect()
}

/// The value of a property that is there once.
fn value(file: &str, name: &str) -> String {
    let all = lines(file);
    let mut found = all.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let value = found.next().unwrap_or_else(|| panic!("no {name}: {file}"));
    assert_eq!(found.next(), None, "{name} twice");
    value.to_owned()
}

#[test]
fn an_event_is_told_by_its_zones_clock() {
    let mut event = event("America/Sao_Paulo", "2027-03-04T13:00Z", "2027-03-04T14:00Z");
    event.description = "Sala: Sala 1\nCódigo: ABC".to_owned();
    let expected = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Marca//Marca//PT",
        "CALSCALE:GREGORIAN",
        "BEGIN:VTIMEZONE",
        "TZID:America/Sao_Paulo",
        "BEGIN:STANDARD",
        "DTSTART:20190217T000000",
        "TZOFFSETFROM:-0200",
        "TZOFFSETTO:-0300",
        "TZNAME:-03",
        "END:STANDARD",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        "UID:2027-03-04T13:00Z@marca",
        "DTSTAMP:20260203T040500Z",
        "DTSTART;TZID=America/Sao_Paulo:20270304T100000",
        "DTEND;TZID=America/Sao_Paulo:20270304T110000",
        "SUMMARY:Aula",
        "DESCRIPTION:Sala: Sala 1\\nCódigo: ABC",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "SEQUENCE:3",
        "CREATED:20260102T030400Z",
        "LAST-MODIFIED:20260203T040500Z",
        "END:VEVENT",
        "END:VCALENDAR",
    ];
    assert_eq!(lines(&icalendar::event(&event)), expected);
    event.state = State::Cancelled;
    let file = icalendar::event(&event);
    assert_eq!(
        (value(&file, "STATUS").as_str(), value(&file, "TRANSP").as_str()),
        ("CANCELLED", "TRANSPARENT")
    );
}

#[test]
fn the_second_of_two_equal_readings_is_told_in_utc() {
    let told = |start, end| icalendar::event(&event("America/New_York", start, end));
    // 01:30 comes twice; the first is what the reading means.
    let first = told("2027-11-07T05:30Z", "2027-11-07T05:45Z");
    assert!(first.contains("DTSTART;TZID=America/New_York:20271107T013000\r\n"), "{first}");
    let second = told("2027-11-07T06:30Z", "2027-11-07T07:30Z");
    assert_eq!(value(&second, "DTSTART"), "20271107T063000Z");
    assert_eq!(value(&second, "DTEND"), "20271107T073000Z");
    assert!(!second.contains("VTIMEZONE"), "no zone is named: {second}");
    let until_second = told("2027-11-07T05:30Z", "2027-11-07T06:30Z");
    assert_eq!(value(&until_second, "DTEND"), "20271107T063000Z");
    let utc = icalendar::event(&event("UTC", "2027-03-04T13:00Z", "2027-03-04T14:00Z"));
    assert_eq!(value(&utc, "DTSTART"), "20270304T130000Z");
}

#[test]
fn a_zone_is_described_for_the_years_of_the_file_and_no_others() {
    let observances = |from, to| {
        let all = zone("Europe/London").observances(instant(from), instant(to));
        all.into_iter().map(|it| (it.onset.to_string(), it.name)).collect::<Vec<_>>()
    };
    let told = |onset: &str, name: &str| (onset.to_owned(), name.to_owned());
    let (winter, summer) = (told("2026-10-25 02:00:00", "GMT"), told("2027-03-28 01:00:00", "BST"));
    assert_eq!(
        observances("2027-01-01T00:00Z", "2027-03-28T00:59Z"),
        std::slice::from_ref(&winter)
    );
    assert_eq!(observances("2027-01-01T00:00Z", "2027-03-28T01:00Z"), [winter, summer.clone()]);
    assert_eq!(observances("2027-03-28T01:00Z", "2027-07-01T00:00Z"), [summer]);
    let always =
        Zone::utc().observances(instant("2027-01-01T00:00Z"), instant("2030-01-01T00:00Z"));
    assert_eq!((always.len(), always[0].onset.to_string().as_str()), (1, "1970-01-01 00:00:00"));
}

#[test]
fn a_calendar_has_a_name_and_is_never_empty_altogether() {
    let heading = Heading {
        name: "Aulas; de João, todas".to_owned(),
        zone: zone("Europe/London"),
        at: instant("2027-03-01T00:00Z"),
    };
    let empty = icalendar::calendar(&heading, &[]);
    assert_eq!(value(&empty, "NAME"), "Aulas\\; de João\\, todas");
    assert_eq!(value(&empty, "REFRESH-INTERVAL;VALUE=DURATION"), "PT1H");
    assert_eq!(value(&empty, "TZID"), "Europe/London");
    let zones = ["Europe/London", "America/New_York", "Europe/London", "UTC"];
    let events = zones.map(|name| event(name, "2027-03-04T13:00Z", "2027-03-04T14:00Z"));
    let full = icalendar::calendar(&heading, &events);
    assert_eq!(full.matches("BEGIN:VTIMEZONE").count(), 2);
    assert_eq!(full.matches("BEGIN:VEVENT").count(), 4);
}

#[test]
fn taken_time_is_told_in_utc_by_kind() {
    let spans = |count: u32| {
        (0..count).map(|day| {
            let start = Utc.timestamp_opt(1_803_880_800 + i64::from(day) * 86_400, 0).unwrap();
            scheduling::Span::new(start, start + TimeDelta::hours(1)).expect("a length")
        })
    };
    let found = FreeBusy {
        uid: "x@marca".to_owned(),
        at: instant("2027-03-01T12:00Z"),
        span: span("2027-03-01T00:00Z", "2027-04-01T00:00Z"),
        busy: Occupancy::from_spans(spans(9)),
        unavailable: Occupancy::free(),
    };
    let file = icalendar::free_busy(&found);
    let periods = value(&file, "FREEBUSY;FBTYPE=BUSY");
    assert_eq!(periods.split(',').count(), 9);
    assert!(periods.starts_with("20270301T060000Z/20270301T070000Z,"), "{periods}");
    assert!(!file.contains("BUSY-UNAVAILABLE") && !file.contains("TZID"), "{file}");
}

proptest! {
    #![proptest_config(config())]

    /// Whatever people write, a line is cut between two characters and comes back whole.
    #[test]
    fn what_people_write_comes_back(text in "(\\PC|[\\x00-\\x1f\u{e9}\u{1f600};,\\\\:\"]){0,300}") {
        let mut event = event("UTC", "2027-03-04T13:00Z", "2027-03-04T14:00Z");
        event.summary.clone_from(&text);
        let told = value(&icalendar::event(&event), "SUMMARY");
        let kept: String = text
            .replace("\r\n", "\n")
            .replace('\r', "\n")
            .chars()
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            .collect();
        prop_assert_eq!(unescaped(&told), kept);
    }
}

fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                other => other.expect("something is escaped"),
            },
            c => c,
        });
    }
    plain
}
