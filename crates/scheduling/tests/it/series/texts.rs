//! Texts of rules: what is read, every fault.

use scheduling::Rrule;

use super::{dates, expand, rrule};

fn faults(text: &str) -> Vec<(String, &'static str)> {
    let faults = Rrule::parse(text).expect_err(text);
    faults.into_iter().map(|fault| (fault.path, fault.code)).collect()
}

#[test]
fn ways_to_write_the_same_rule() {
    let plain = Rrule::parse("FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,FR;WKST=MO");
    assert!(plain.is_ok());
    for text in [
        "RRULE:FREQ=WEEKLY;BYDAY=FR,MO",
        "rrule:freq=weekly;byday=mo,fr,mo",
        "\r\nRRULE:FREQ=WEE\r\n KLY;BYDAY=\r\n\tMO,FR\r\n",
        "WKST=MO;BYDAY=MO,FR;FREQ=WEEKLY",
    ] {
        assert_eq!(Rrule::parse(text), plain, "{text}");
    }
    let exdates = "EXDATE:20270102T090000\nFREQ=DAILY\nEXDATE;VALUE=DATE-TIME:20270101T090000";
    let once = "FREQ=DAILY\nEXDATE:20270101T090000,20270102T090000,20270101T090000";
    assert_eq!(Rrule::parse(exdates), Rrule::parse(once));
    assert_eq!(
        Rrule::parse("FREQ=MONTHLY;BYDAY=+1MO;BYMONTHDAY=+1"),
        Rrule::parse("FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=1")
    );
}

#[test]
fn faults_of_one_part() {
    for (text, path, code) in [
        ("", "FREQ", "missing"),
        ("EXDATE:20270101T090000", "FREQ", "missing"),
        ("FREQ=HOURLY", "FREQ", "range"),
        ("FREQ=", "FREQ", "range"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ", "too_many"),
        ("FREQ=DAILY;BYHOUR=9", "BYHOUR", "unknown"),
        ("FREQ=DAILY;", "", "format"),
        ("FREQ=DAILY;COUNT", "COUNT", "format"),
        ("DTSTART:20270101T090000\nFREQ=DAILY", "DTSTART", "unknown"),
        ("RRULE;X=1:FREQ=DAILY\nFREQ=DAILY", "RRULE", "unknown"),
        ("FREQ=DAILY\nRRULE:INTERVAL=2", "RRULE", "too_many"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL", "range"),
        ("FREQ=DAILY;INTERVAL=401", "INTERVAL", "range"),
        ("FREQ=DAILY;INTERVAL=99999999999", "INTERVAL", "range"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL", "format"),
        ("FREQ=DAILY;COUNT=0", "COUNT", "range"),
        ("FREQ=DAILY;COUNT=401", "COUNT", "range"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "UNTIL", "combination"),
        ("FREQ=DAILY;UNTIL=2027-01-01", "UNTIL", "format"),
        ("FREQ=DAILY;UNTIL=20270229", "UNTIL", "format"),
        ("FREQ=DAILY;UNTIL=20270101T250000", "UNTIL", "format"),
        ("FREQ=DAILY;UNTIL=20270101T235960Z", "UNTIL", "format"),
        ("FREQ=DAILY;UNTIL=20270101T0900", "UNTIL", "format"),
        ("FREQ=DAILY;UNTIL=20270101Z", "UNTIL", "format"),
        ("FREQ=DAILY;UNTIL=1969010é", "UNTIL", "format"),
        ("FREQ=WEEKLY;BYDAY=MO,XX", "BYDAY[1]", "format"),
        ("FREQ=WEEKLY;BYDAY=", "BYDAY[0]", "format"),
        ("FREQ=WEEKLY;BYDAY=é", "BYDAY[0]", "format"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY", "combination"),
        ("FREQ=DAILY;BYDAY=-1MO", "BYDAY", "combination"),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY[0]", "range"),
        ("FREQ=MONTHLY;BYDAY=6MO", "BYDAY", "combination"),
        ("FREQ=YEARLY;BYMONTH=1;BYDAY=-6MO", "BYDAY", "combination"),
        ("FREQ=YEARLY;BYDAY=54MO", "BYDAY[0]", "range"),
        ("FREQ=YEARLY;BYDAY=-+1MO", "BYDAY[0]", "format"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,32", "BYMONTHDAY[1]", "range"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY[0]", "range"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY", "combination"),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH[0]", "range"),
        ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH[0]", "format"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS", "combination"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "BYSETPOS[0]", "range"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-367", "BYSETPOS[0]", "range"),
        ("FREQ=WEEKLY;WKST=1", "WKST", "range"),
        ("FREQ=DAILY\nEXDATE:20270101", "EXDATE[0]", "format"),
        ("FREQ=DAILY\nEXDATE;VALUE=DATE:20270101,20270102T090000", "EXDATE[1]", "format"),
        ("FREQ=DAILY\nEXDATE;TZID=America/Havana:20270101T090000", "EXDATE", "unknown"),
        ("FREQ=DAILY\nEXDATE:20270101T090000\nEXDATE:", "EXDATE[1]", "format"),
    ] {
        let wanted = (path.to_owned(), code);
        assert!(faults(text).contains(&wanted), "{text}: {:?}", faults(text));
    }
}

#[test]
fn one_fault_is_told_once() {
    for text in [
        "FREQ=HOURLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=DAILY;COUNT=3;UNTIL=20270101",
    ] {
        assert_eq!(faults(text).len(), 1, "{text}");
    }
}

#[test]
fn every_fault_is_told() {
    let text =
        "FREQ=WEEKLY;INTERVAL=0;COUNT=x;BYDAY=MO,1TU,ZZ;BYMONTHDAY=40;BYEASTER=1\nEXDATE:soon";
    let wanted = [
        ("BYEASTER", "unknown"),
        ("EXDATE[0]", "format"),
        ("INTERVAL", "range"),
        ("COUNT", "format"),
        ("BYDAY[2]", "format"),
        ("BYMONTHDAY[0]", "range"),
        ("BYMONTHDAY", "combination"),
        ("BYDAY", "combination"),
    ];
    assert_eq!(faults(text), wanted.map(|(path, code)| (path.to_owned(), code)));
}

#[test]
fn the_text_is_bounded() {
    let rule = |length: usize| {
        let text = "FREQ=DAILY\n";
        format!("{text}{}", "\n".repeat(length - text.len()))
    };
    assert!(Rrule::parse(&rule(2_000)).is_ok());
    assert_eq!(faults(&rule(2_001)), [(String::new(), "too_many")]);
}

#[test]
fn examples_of_rfc_5545() {
    for (start, text, wanted) in [
        (
            "1997-09-05T09:00",
            "FREQ=MONTHLY;COUNT=4;BYDAY=1FR",
            ["1997-09-05", "1997-10-03", "1997-11-07", "1997-12-05"],
        ),
        (
            "1997-09-28T09:00",
            "FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=4",
            ["1997-09-28", "1997-10-29", "1997-11-28", "1997-12-29"],
        ),
        (
            "1997-05-19T09:00",
            "FREQ=YEARLY;BYDAY=20MO;COUNT=3",
            ["1997-05-19", "1998-05-18", "1999-05-17", ""],
        ),
        (
            "1997-09-04T09:00",
            "FREQ=MONTHLY;COUNT=4;BYDAY=TU,WE,TH;BYSETPOS=3",
            ["1997-09-04", "1997-10-07", "1997-11-06", "1997-12-04"],
        ),
        (
            "1997-09-29T09:00",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=4",
            ["1997-09-29", "1997-10-30", "1997-11-27", "1997-12-30"],
        ),
        (
            "1997-08-05T09:00",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            ["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"],
        ),
        (
            "1997-08-05T09:00",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            ["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"],
        ),
        (
            "1998-02-13T09:00",
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=4",
            ["1998-02-13", "1998-03-13", "1998-11-13", "1999-08-13"],
        ),
    ] {
        let wanted: Vec<_> = wanted.into_iter().filter(|date| !date.is_empty()).collect();
        assert_eq!(dates(&expand(start, "America/New_York", &rrule(text))), wanted, "{text}");
    }
}

#[test]
fn a_start_that_does_not_match_is_no_occurrence() {
    // A Friday.
    let given = expand("2027-01-01T09:00", "UTC", &rrule("FREQ=WEEKLY;BYDAY=MO;COUNT=2"));
    assert_eq!(dates(&given), ["2027-01-04", "2027-01-11"]);
}

/// As python-dateutil has it: the first week begins with the start.
#[test]
fn positions_in_the_first_week_count_from_the_start() {
    let text = "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1;COUNT=2";
    // A Wednesday.
    let given = expand("2027-01-06T09:00", "UTC", &rrule(text));
    assert_eq!(dates(&given), ["2027-01-06", "2027-01-11"]);
}
