//! Why a series ends: the rule, or one of the limits of the platform.

use chrono::{NaiveDateTime, TimeDelta};
use scheduling::{Occurrence, Series, SeriesEnd, Zone};

use super::{dates, expand, missing, rrule, series};
use crate::support::{instant, local, zone};

fn end(start: &str, text: &str) -> (usize, SeriesEnd) {
    let expansion = expand(start, "UTC", &rrule(text));
    (expansion.occurrences.len(), expansion.end)
}

fn utc(index: usize, wall: &str) -> Occurrence {
    let hour = TimeDelta::hours(1);
    Occurrence::at(&Zone::utc(), index, local(wall), hour).expect("an occurrence")
}

#[test]
fn the_rule_ends() {
    let start = "2027-01-01T09:00";
    assert_eq!(end(start, "FREQ=DAILY;COUNT=3"), (3, SeriesEnd::Count));
    assert_eq!(end(start, "FREQ=DAILY;COUNT=400"), (400, SeriesEnd::Count));
    assert_eq!(end(start, "FREQ=DAILY;UNTIL=20270103"), (3, SeriesEnd::Until));
    assert_eq!(end(start, "FREQ=DAILY;UNTIL=20270103T085959"), (2, SeriesEnd::Until));
    assert_eq!(end(start, "FREQ=DAILY;UNTIL=20261231"), (0, SeriesEnd::Until));
    // Nothing follows within the 24 months, but UNTIL is before their end.
    assert_eq!(end(start, "FREQ=YEARLY;UNTIL=20280601"), (2, SeriesEnd::Until));
}

#[test]
fn the_400th_is_the_last() {
    let next = utc(400, "2028-02-05T09:00");
    let start = "2027-01-01T09:00";
    assert_eq!(end(start, "FREQ=DAILY"), (400, SeriesEnd::Occurrences { next }));
    // The 400th is also the last of the rule: nothing is missing.
    assert_eq!(end(start, "FREQ=DAILY;UNTIL=20280204"), (400, SeriesEnd::Until));
    assert_eq!(end(start, "FREQ=DAILY;UNTIL=20280205"), (400, SeriesEnd::Occurrences { next }));
}

#[test]
fn twenty_four_months_are_half_open() {
    let start = "2027-01-31T09:00";
    assert_eq!(end(start, "FREQ=YEARLY"), (2, SeriesEnd::Months));
    assert_eq!(end(start, "FREQ=WEEKLY"), (105, SeriesEnd::Months));
    assert_eq!(end(start, "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=30"), (24, SeriesEnd::Months));
    assert_eq!(end(start, "FREQ=YEARLY;UNTIL=20290131T085959"), (2, SeriesEnd::Until));
    assert_eq!(end(start, "FREQ=YEARLY;UNTIL=20290131T090000"), (2, SeriesEnd::Months));
    // From 29 February the last day of a month that has no 29th.
    assert_eq!(end("2028-02-29T09:00", "FREQ=DAILY;INTERVAL=365"), (2, SeriesEnd::Months));
    assert_eq!(end("2028-02-29T09:00", "FREQ=YEARLY"), (1, SeriesEnd::Months));
}

#[test]
fn rules_that_match_nothing_end() {
    for text in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=4,6;BYMONTHDAY=31;COUNT=5",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
        "FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=-3",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "FREQ=MONTHLY;BYDAY=5SU;BYMONTHDAY=1",
    ] {
        // A Friday.
        assert_eq!(end("2027-01-01T09:00", text), (0, SeriesEnd::Months), "{text}");
    }
}

#[test]
fn the_window_ends_the_series_and_tells_the_first_not_made() {
    let series = series(local("2027-01-01T09:00"), &zone("America/Sao_Paulo"));
    let rule = rrule("FREQ=DAILY;COUNT=10");
    let expansion = series.expand(&rule, Some(instant("2027-01-03T12:00Z")));
    assert_eq!(dates(&expansion), ["2027-01-01", "2027-01-02", "2027-01-03"]);
    let SeriesEnd::Window { next } = expansion.end else { panic!("{:?}", expansion.end) };
    assert_eq!((next.index, next.wall), (3, local("2027-01-04T09:00")));
    assert_eq!(next.span.start(), instant("2027-01-04T12:00Z"));
    let earlier = series.expand(&rule, Some(instant("2027-01-03T11:59:59Z")));
    assert_eq!(earlier.occurrences.len(), 2);
    let later = series.expand(&rule, Some(instant("2027-01-10T12:00Z")));
    assert_eq!((later.occurrences.len(), later.end), (10, SeriesEnd::Count));
}

#[test]
fn excluded_dates_count_but_are_not_made() {
    let text =
        "FREQ=DAILY;COUNT=4\nEXDATE:20270102T090000,20270103T100000\nEXDATE;VALUE=DATE:20270104";
    let expansion = expand("2027-01-01T09:00", "UTC", &rrule(text));
    assert_eq!(dates(&expansion), ["2027-01-01", "2027-01-03"]);
    assert_eq!(expansion.end, SeriesEnd::Count);
    let zulu = "FREQ=DAILY;COUNT=3\nEXDATE:20270102T120000Z";
    let expansion = expand("2027-01-01T09:00", "America/Sao_Paulo", &rrule(zulu));
    assert_eq!(dates(&expansion), ["2027-01-01", "2027-01-03"]);
}

#[test]
fn days_that_months_do_not_have_are_told() {
    let monthly = |text: &str| {
        let expansion = expand("2027-01-30T09:00", "UTC", &rrule(text));
        (dates(&expansion).len(), missing(&expansion))
    };
    assert_eq!(monthly("FREQ=MONTHLY;COUNT=3"), (3, vec!["2027-02-30".to_owned()]));
    assert_eq!(monthly("FREQ=MONTHLY;COUNT=1"), (1, vec![]));
    assert_eq!(monthly("FREQ=MONTHLY;UNTIL=20270228"), (1, vec![]));
    assert_eq!(monthly("FREQ=MONTHLY;UNTIL=20270301"), (1, vec!["2027-02-30".to_owned()]));
    let (made, missing) = monthly("FREQ=MONTHLY;BYMONTHDAY=30,31;BYMONTH=2,4,6");
    assert_eq!(made, 4);
    assert_eq!(
        missing,
        [
            "2027-02-30",
            "2027-02-31",
            "2027-04-31",
            "2027-06-31",
            "2028-02-30",
            "2028-02-31",
            "2028-04-31",
            "2028-06-31"
        ]
    );
    // The last day and the fifth Monday are no days of the month that could be missing.
    assert_eq!(monthly("FREQ=MONTHLY;BYMONTHDAY=-1").1, Vec::<String>::new());
    assert_eq!(monthly("FREQ=MONTHLY;BYDAY=5MO").1, Vec::<String>::new());
    assert_eq!(monthly("FREQ=MONTHLY;BYMONTHDAY=30,31;BYSETPOS=1").1, Vec::<String>::new());
    let leap = expand("2028-02-29T09:00", "UTC", &rrule("FREQ=YEARLY"));
    assert_eq!((dates(&leap).len(), super::missing(&leap)), (1, vec!["2029-02-29".to_owned()]));
}

#[test]
fn the_end_tells_whether_the_platform_cut_the_series() {
    let next = utc(1, "2027-01-01T09:00");
    for (end, cut) in [
        (SeriesEnd::Count, false),
        (SeriesEnd::Until, false),
        (SeriesEnd::Months, true),
        (SeriesEnd::Window { next }, true),
        (SeriesEnd::Occurrences { next }, true),
    ] {
        assert_eq!(end.is_cut(), cut, "{end:?}");
    }
}

#[test]
fn a_series_has_a_duration_and_a_year_within_range() {
    let new = |start: NaiveDateTime, duration| Series::new(start, Zone::utc(), duration).is_some();
    let start = local("2027-01-01T09:00");
    assert!(new(start, TimeDelta::seconds(1)));
    assert!(new(start, TimeDelta::days(366)));
    assert!(!new(start, TimeDelta::zero()));
    assert!(!new(start, TimeDelta::minutes(-5)));
    assert!(!new(start, TimeDelta::days(366) + TimeDelta::seconds(1)));
    assert!(new(local("1970-01-01T00:00"), TimeDelta::hours(1)));
    assert!(new(local("9996-12-31T23:59"), TimeDelta::hours(1)));
    assert!(!new(local("9997-01-01T00:00"), TimeDelta::hours(1)));
    let last = expand("9996-12-31T23:59", "Pacific/Kiritimati", &rrule("FREQ=DAILY"));
    assert_eq!(last.occurrences.len(), 400);
    assert_eq!(Occurrence::at(&Zone::utc(), 0, NaiveDateTime::MAX, TimeDelta::MAX), None);
}
