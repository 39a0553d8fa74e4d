//! Clock times and working hours.

use scheduling::{ClockTime, WorkingHours};

use crate::support::clock;

#[test]
fn clock_times_are_read_and_shown() {
    for (text, seconds, shown) in [
        ("00:00", 0, "00:00"),
        ("08:30", 30_600, "08:30"),
        ("08:30:00", 30_600, "08:30"),
        ("08:30:15", 30_615, "08:30:15"),
        ("23:59:59", 86_399, "23:59:59"),
    ] {
        let time = ClockTime::parse(text).expect(text);
        assert_eq!((time.seconds(), time.to_string().as_str()), (seconds, shown));
        assert_eq!(ClockTime::parse_end(text), Some(time));
    }
}

#[test]
fn midnight_at_the_end_is_only_an_end() {
    for text in ["24:00", "24:00:00"] {
        assert_eq!(ClockTime::parse(text), None);
        assert_eq!(ClockTime::parse_end(text), Some(ClockTime::END_OF_DAY));
    }
    assert_eq!(ClockTime::END_OF_DAY.to_string(), "24:00");
}

#[test]
fn other_texts_are_refused() {
    for text in [
        "",
        "8:30",
        "08:3",
        "0830",
        "08-30",
        "08:60",
        "08:30:60",
        "24:01",
        "25:00",
        "08:30:1",
        "08:30Z",
        " 08:30",
        "08:30 ",
        "+8:30",
        "08:30:00.0",
        "٠٨:٣٠",
        "aa:bb",
    ] {
        assert_eq!(ClockTime::parse(text), None, "{text:?}");
        assert_eq!(ClockTime::parse_end(text), None, "{text:?}");
    }
}

#[test]
fn seconds_are_bounded() {
    assert_eq!(ClockTime::from_seconds(86_400), Some(ClockTime::END_OF_DAY));
    assert_eq!(ClockTime::from_seconds(86_401), None);
}

#[test]
fn working_hours_start_before_they_end() {
    assert!(WorkingHours::new(clock("08:00"), clock("24:00")).is_some());
    assert!(WorkingHours::new(clock("08:00"), clock("08:00")).is_none());
    assert!(WorkingHours::new(clock("18:00"), clock("08:00")).is_none());
}
