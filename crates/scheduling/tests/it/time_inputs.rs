//! Times on the wire.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use proptest::prelude::*;
use scheduling::TimeInput;

use crate::support::{config, instant, local, zone};

fn at(hour: u32, minute: u32, second: u32, milli: u32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2027, 3, 14)
        .and_then(|date| date.and_hms_milli_opt(hour, minute, second, milli))
        .expect("a time")
}

#[test]
fn with_an_offset_it_is_an_instant() {
    for (text, utc) in [
        ("2027-03-14T10:20:30Z", at(10, 20, 30, 0)),
        ("2027-03-14t10:20:30z", at(10, 20, 30, 0)),
        ("2027-03-14 10:20:30Z", at(10, 20, 30, 0)),
        ("2027-03-14T10:20Z", at(10, 20, 0, 0)),
        ("2027-03-14T10:20:30.5Z", at(10, 20, 30, 500)),
        ("2027-03-14T10:20:30.000Z", at(10, 20, 30, 0)),
        ("2027-03-14T10:20:30.1230000009Z", at(10, 20, 30, 123)),
        ("2027-03-14T10:20:30-03:00", at(13, 20, 30, 0)),
        ("2027-03-14T10:20:30+05:30", at(4, 50, 30, 0)),
        ("2027-03-14T10:20:30+0530", at(4, 50, 30, 0)),
        ("2027-03-14T10:20:30+05", at(5, 20, 30, 0)),
        ("2027-03-14T10:20:30-00:00", at(10, 20, 30, 0)),
        ("2027-03-14T10:20-03", at(13, 20, 0, 0)),
        ("2027-03-15T09:00:00+23:59", at(9, 1, 0, 0)),
    ] {
        assert_eq!(TimeInput::parse(text), Some(TimeInput::Instant(utc.and_utc())), "{text}");
    }
}

#[test]
fn without_an_offset_it_is_local() {
    for (text, wall) in [
        ("2027-03-14T10:20:30", at(10, 20, 30, 0)),
        ("2027-03-14T10:20", at(10, 20, 0, 0)),
        ("2027-03-14 10:20", at(10, 20, 0, 0)),
        ("2027-03-14t10:20:30.25", at(10, 20, 30, 250)),
    ] {
        assert_eq!(TimeInput::parse(text), Some(TimeInput::Local(wall)), "{text}");
    }
}

#[test]
fn other_texts_are_refused() {
    for text in [
        "",
        "2027-03-14",
        "2027-03-14T",
        "2027-03-14T10",
        "2027-03-14T10Z",
        "2027-3-14T10:20Z",
        "2027-02-29T10:20Z",
        "2027-13-01T10:20Z",
        "2027-00-10T10:20Z",
        "2027-03-14T24:00Z",
        "2027-03-14T10:60Z",
        "2027-03-14T10:20:60Z",
        "2027-03-14T10:20:30.Z",
        "2027-03-14T10:20.5Z",
        "2027-03-14T10:20:30,5Z",
        "2027-03-14T10:20:30+5",
        "2027-03-14T10:20:30+24:00",
        "2027-03-14T10:20:30+05:60",
        "2027-03-14T10:20:30+05:3",
        "2027-03-14T10:20:30+05:30:00",
        "2027-03-14T10:20:30ZZ",
        "2027-03-14T10:20:30 Z",
        "2027-03-14T10:20:30 +05:00",
        " 2027-03-14T10:20Z",
        "2027-03-14T10:20Z ",
        "2027-03-14  10:20Z",
        "20270314T102030Z",
        "2027-W10-7T10:20Z",
        "+2027-03-14T10:20Z",
        "2027-03-14T10:20:30[America/Sao_Paulo]",
        "2027-03-14T1é:20Z",
        "٢٠٢٧-03-14T10:20Z",
        "1799280000",
        "now",
        "2027-03-14T-1:20Z",
        "2027-03-14T10:20:30\u{2212}03:00",
    ] {
        assert_eq!(TimeInput::parse(text), None, "{text:?}");
    }
}

#[test]
fn years_are_bounded() {
    for text in
        ["1970-01-01T00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00", "9999-12-31T23:59"]
    {
        assert!(TimeInput::parse(text).is_some(), "{text}");
    }
    for text in [
        "1969-12-31T23:59:59Z",
        "0000-01-01T00:00Z",
        "1970-01-01T00:00+00:01",
        "9999-12-31T23:59-00:01",
        "1969-12-31T23:59",
        "10000-01-01T00:00Z",
    ] {
        assert_eq!(TimeInput::parse(text), None, "{text}");
    }
    let kiritimati =
        TimeInput::Local(local("1970-01-01T00:00")).resolve(&zone("Pacific/Kiritimati"));
    assert!(kiritimati.expect("an instant") >= DateTime::<Utc>::UNIX_EPOCH);
    let niue = TimeInput::Local(local("9999-12-31T23:59")).resolve(&zone("Pacific/Niue"));
    assert_eq!(niue, Ok(instant("9999-12-31T23:59:59Z")));
}

#[test]
fn local_times_are_read_in_the_zone() {
    let new_york = zone("America/New_York");
    let read = |text: &str| TimeInput::parse(text).expect(text).resolve(&new_york);
    assert_eq!(read("2027-07-01T09:00"), Ok(instant("2027-07-01T13:00Z")));
    assert_eq!(read("2027-07-01T09:00Z"), Ok(instant("2027-07-01T09:00Z")));
    // Twice: the first.
    assert_eq!(read("2027-11-07T01:30"), Ok(instant("2027-11-07T05:30Z")));
    assert_eq!(read("2027-11-07T01:30-05:00"), Ok(instant("2027-11-07T06:30Z")));
    // Never, unless the offset says which instant.
    let refused = read("2027-03-14T02:30").expect_err("a gap");
    assert_eq!(refused.code(), "nonexistent_local_time");
    assert_eq!(
        refused.message(),
        "Horário 2027-03-14 02:30:00 não existe no fuso America/New_York (mudança de horário)."
    );
    assert_eq!((refused.local, refused.zone), (local("2027-03-14T02:30"), "America/New_York"));
    assert_eq!(read("2027-03-14T02:30-05:00"), Ok(instant("2027-03-14T07:30Z")));
    assert_eq!(read("2027-03-14T03:00"), Ok(instant("2027-03-14T07:00Z")));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_chrono_writes_is_read(seconds in 0_i64..253_402_214_400, quarter in -56_i32..=56) {
        let utc = DateTime::from_timestamp(seconds, 0).expect("an instant");
        let offset = chrono::FixedOffset::east_opt(quarter * 900).expect("an offset");
        let text = utc.with_timezone(&offset).to_rfc3339();
        let written = utc.with_timezone(&offset).naive_local();
        let inside = (1970..=9999).contains(&chrono::Datelike::year(&written));
        prop_assert_eq!(TimeInput::parse(&text), inside.then_some(TimeInput::Instant(utc)));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}", tail in "[-+:.0-9TZz ]{0,30}") {
        let _ = TimeInput::parse(&text);
        let _ = TimeInput::parse(&format!("2027-03-14T{tail}"));
    }
}
