use super::*;

fn zone() -> Zone {
    Zone::parse("America/Sao_Paulo").unwrap()
}

fn file(events: &[&str]) -> String {
    let event = |event: &&str| format!("BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n");
    let body = events.iter().map(event).collect::<Vec<_>>().concat();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{body}END:VCALENDAR\r\n")
}

fn read(event: &str) -> Result<Event, SkipReason> {
    let Calendar { mut events, skipped, .. } = Calendar::read(&file(&[event]), &zone()).unwrap();
    events.pop().ok_or_else(|| skipped[0].reason)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn part(first: &str, last: &str, range: Option<&str>) -> Part {
    Part { first: day(first), last: day(last), range: range.map(ToOwned::to_owned) }
}

#[test]
fn dates_end_before_their_end() {
    let event = read("UID:a\r\nDTSTART;VALUE=DATE:20271225\r\nDTEND;VALUE=DATE:20271227\r\nSUMMARY:Natal\\, em família").unwrap();
    assert_eq!(event.parts, [part("2027-12-25", "2027-12-26", None)]);
    assert_eq!((event.uid.as_str(), event.reason.as_str()), ("a", "Natal, em família"));
    for without in ["DTSTART;VALUE=DATE:20271225", "DTSTART;VALUE=DATE:20271225\r\nDURATION:P1D"] {
        let event = read(without).unwrap();
        assert_eq!(event.parts, [part("2027-12-25", "2027-12-25", None)]);
        assert_eq!(event.uid, "2027-12-25 00:00:00 ");
    }
}

#[test]
fn times_are_on_the_wall_of_the_tenant() {
    let hours = |times: &str| read(times).map(|event| event.parts);
    let one = Ok(vec![part("2027-03-02", "2027-03-02", Some("09:00-11:30"))]);
    assert_eq!(hours("DTSTART:20270302T090000\r\nDTEND:20270302T113000"), one);
    assert_eq!(hours("DTSTART:20270302T120000Z\r\nDTEND:20270302T143000Z"), one);
    let zoned = "DTSTART;TZID=America/New_York:20270302T070000\r\nDURATION:PT2H30M";
    assert_eq!(hours(zoned), one);
    let unknown = "DTSTART;TZID=Nowhere/At_All:20270302T070000\r\nDURATION:PT1H";
    assert_eq!(hours(unknown), Err(SkipReason::UnknownZone));
}

#[test]
fn what_goes_over_midnight_is_parts_of_days_and_whole_ones() {
    let parts = |times: &str| read(times).unwrap().parts;
    let over = parts("DTSTART:20271231T180000\r\nDTEND:20280102T060000");
    let expected = [
        part("2027-12-31", "2027-12-31", Some("18:00-24:00")),
        part("2028-01-01", "2028-01-01", None),
        part("2028-01-02", "2028-01-02", Some("00:00-06:00")),
    ];
    assert_eq!(over, expected);
    let evening = parts("DTSTART:20271231T180000\r\nDTEND:20280101T000000");
    assert_eq!(evening, [part("2027-12-31", "2027-12-31", Some("18:00-24:00"))]);
    let day = parts("DTSTART:20271231T000000\r\nDTEND:20280101T000000");
    assert_eq!(day, [part("2027-12-31", "2027-12-31", None)]);
    let night = parts("DTSTART:20271231T230000\r\nDTEND:20280101T003005");
    assert_eq!(night[1], part("2028-01-01", "2028-01-01", Some("00:00-00:30:05")));
}

#[test]
fn once_a_year_and_no_other_recurrence() {
    let on =
        |more: &str| read(&format!("DTSTART;VALUE=DATE:20270907\r\n{more}")).map(|it| it.yearly);
    assert_eq!(on("SUMMARY:x"), Ok(false));
    for yearly in ["RRULE:FREQ=YEARLY", "RRULE:FREQ=YEARLY;INTERVAL=1", "RRULE:FREQ=YEARLY;WKST=SU"]
    {
        assert_eq!(on(yearly), Ok(true), "{yearly}");
    }
    for other in [
        "RRULE:FREQ=WEEKLY",
        "RRULE:FREQ=YEARLY;INTERVAL=2",
        "RRULE:FREQ=YEARLY;COUNT=3",
        "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=5",
        "RRULE:FREQ=YEARLY;UNTIL=20300101",
        "RRULE:what",
        "RRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20280907",
        "RDATE;VALUE=DATE:20280907",
        "RECURRENCE-ID;VALUE=DATE:20270907",
    ] {
        assert_eq!(on(other), Err(SkipReason::Recurrence), "{other}");
    }
}

#[test]
fn what_is_no_closure_is_skipped_with_its_reason() {
    let cases = [
        ("SUMMARY:x", SkipReason::NoStart),
        ("DTSTART:amanhã", SkipReason::NoStart),
        ("DTSTART;VALUE=DATE:20270230", SkipReason::NoStart),
        ("DTSTART;VALUE=DATE:00000101", SkipReason::NoStart),
        ("DTSTART:20270302T090000", SkipReason::NoLength),
        ("DTSTART:20270302T090000\r\nDTEND:20270302T090000", SkipReason::NoLength),
        ("DTSTART;VALUE=DATE:20270302\r\nDTEND;VALUE=DATE:20270301", SkipReason::NoLength),
        ("DTSTART:20270302T090000\r\nDURATION:-PT1H", SkipReason::NoLength),
        ("DTSTART;VALUE=DATE:20270302\r\nDTEND;VALUE=DATE:20290301", SkipReason::TooLong),
        ("DTSTART;VALUE=DATE:20270302\r\nDURATION:P4294967295W", SkipReason::TooLong),
        ("DTSTART;VALUE=DATE:20270302\r\nSTATUS:CANCELLED", SkipReason::Cancelled),
    ];
    for (event, reason) in cases {
        assert_eq!(read(event), Err(reason), "{event}");
    }
    let long = format!("UID:{}\r\nDTSTART;VALUE=DATE:20270302", "a".repeat(256));
    assert_eq!(read(&long), Err(SkipReason::LongUid));
}

#[test]
fn every_event_is_told_of_once() {
    let christmas = "UID:a\r\nDTSTART;VALUE=DATE:20271225";
    let text = file(&[
        christmas,
        christmas,
        "UID:b",
        "UID:c\r\nDTSTART;VALUE=DATE:20271225\r\nSTATUS:CANCELLED",
    ]);
    let found = Calendar::read(&text, &zone()).unwrap();
    let skipped: Vec<_> =
        found.skipped.iter().map(|it| (it.event, it.uid.as_deref(), it.reason)).collect();
    let expected = [
        (2, Some("a"), SkipReason::Duplicate),
        (3, Some("b"), SkipReason::NoStart),
        (4, Some("c"), SkipReason::Cancelled),
    ];
    assert_eq!((found.events.len(), skipped.as_slice()), (1, expected.as_slice()));
    assert_eq!(found.gone, ["c"]);
}

#[test]
fn a_file_is_whole_or_nothing() {
    let read = |text: &str| Calendar::read(text, &zone()).map(|found| found.events.len());
    let good = file(&["UID:a\r\nDTSTART;VALUE=DATE:20271225\r\nSUMMARY:um dia\r\n  longo"]);
    assert_eq!(read(&good), Ok(1));
    assert_eq!(read(&good.replace("\r\n", "\n")), Ok(1));
    assert_eq!(read(&format!("\u{feff}{good}{good}")), Ok(1), "the same event again");
    assert_eq!(read(&file(&[])), Ok(0));
    for (bad, why) in [
        ("", Unreadable::NoCalendar),
        ("hello", Unreadable::Malformed),
        ("a:b", Unreadable::NoCalendar),
        ("BEGIN:VEVENT\nEND:VEVENT\n", Unreadable::NoCalendar),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n", Unreadable::Malformed),
        ("BEGIN:VCALENDAR\n", Unreadable::NoCalendar),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR\n", Unreadable::Malformed),
        ("BEGIN:VCALENDAR\njust words\nEND:VCALENDAR\n", Unreadable::Malformed),
    ] {
        assert_eq!(read(bad), Err(why), "{bad}");
    }
    let deep = "BEGIN:VCALENDAR\n".repeat(10_000);
    assert_eq!(read(&deep), Err(Unreadable::Malformed));
    let many = vec!["UID:a"; MOST_EVENTS + 1];
    assert_eq!(read(&file(&many)), Err(Unreadable::TooMany));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_makes_it_panic(text in ".{0,400}", lines in proptest::collection::vec(
        "(BEGIN|END|UID|SUMMARY|DTSTART|DTEND|DURATION|RRULE|EXDATE|STATUS|X-A)(;(TZID|VALUE|ENCODING|CHARSET)=[a-zA-Z0-9/_\"-]{0,12}){0,2}:?[ -~é]{0,40}",
        0..20,
    )) {
        let _ = Calendar::read(&text, &zone());
        let _ = Calendar::read(&lines.join("\n"), &zone());
        let _ = Calendar::read(&file(&[&lines.join("\r\n")]), &zone());
    }

    #[test]
    fn whatever_a_line_says_its_parts_can_be_stored(
        start in "[0-9]{8}(T[0-9]{6}Z?)?", end in "[0-9]{8}(T[0-9]{6}Z?)?", rule in "FREQ=(YEARLY|DAILY)(;[A-Z]{3,8}=[0-9A-Z,-]{0,6}){0,2}",
    ) {
        let event = format!("DTSTART:{start}\r\nDTEND:{end}\r\nRRULE:{rule}");
        if let Ok(event) = read(&event) {
            for Part { first, last, range } in event.parts {
                proptest::prop_assert!(Dates::new(first, last, false).is_some());
                let range = range.map(|range| scheduling::weekly::parse_range(&range));
                proptest::prop_assert!(range.is_none_or(|it| it.is_some_and(|(a, b)| a < b)));
            }
        }
    }
}
