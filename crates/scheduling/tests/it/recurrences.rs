//! Recurring patterns: defaults, normal form, every fault.

use scheduling::{Frequency, Recurrence};
use serde_json::{Value, json};

use crate::support::date;

fn faults(value: &Value) -> Vec<(String, &'static str)> {
    let faults = Recurrence::parse(value).expect_err("a faulty pattern");
    faults.into_iter().map(|fault| (fault.path, fault.code)).collect()
}

#[test]
fn the_wire_form_comes_back_in_normal_form() {
    for (wire, normal) in [
        (json!({"frequency": "daily"}), json!({"frequency": "daily", "interval": 1})),
        (
            json!({"frequency": "weekly", "interval": 2, "days_of_week": [4, 0, 4], "end_date": "2027-06-30"}),
            json!({"frequency": "weekly", "interval": 2, "days_of_week": [0, 4], "end_date": "2027-06-30"}),
        ),
        (
            json!({"frequency": "monthly", "interval": null, "end_date": null, "days_of_week": []}),
            json!({"frequency": "monthly", "interval": 1}),
        ),
    ] {
        let parsed = Recurrence::parse(&wire).expect("a pattern");
        assert_eq!(serde_json::to_value(&parsed).expect("json"), normal);
        assert_eq!(Recurrence::parse(&normal), Ok(parsed));
    }
}

#[test]
fn the_parts_can_be_read() {
    let pattern = Recurrence::parse(&json!({
        "frequency": "weekly", "interval": 52, "days_of_week": [6], "end_date": "2028-02-29"
    }))
    .expect("a pattern");
    assert_eq!((pattern.frequency(), pattern.interval()), (Frequency::Weekly, 52));
    assert_eq!(pattern.end_date(), Some(date("2028-02-29")));
    assert_eq!(pattern.days_of_week(), Some(&[6_u8][..]));
}

#[test]
fn faults_of_one_field() {
    for (value, path, code) in [
        (json!(null), "", "type"),
        (json!([]), "", "type"),
        (json!({}), "frequency", "missing"),
        (json!({"frequency": null}), "frequency", "type"),
        (json!({"frequency": "yearly"}), "frequency", "range"),
        (json!({"frequency": "Daily"}), "frequency", "range"),
        (json!({"frequency": "daily", "interval": 0}), "interval", "range"),
        (json!({"frequency": "daily", "interval": 53}), "interval", "range"),
        (json!({"frequency": "daily", "interval": -1}), "interval", "range"),
        (json!({"frequency": "daily", "interval": "2"}), "interval", "type"),
        (json!({"frequency": "daily", "interval": 1.5}), "interval", "type"),
        (json!({"frequency": "daily", "end_date": 2027}), "end_date", "type"),
        (json!({"frequency": "daily", "end_date": "2027-02-29"}), "end_date", "format"),
        (json!({"frequency": "daily", "end_date": "2027-1-1"}), "end_date", "format"),
        (json!({"frequency": "daily", "end_date": "2027-01-01T00:00Z"}), "end_date", "format"),
        (json!({"frequency": "weekly", "days_of_week": 1}), "days_of_week", "type"),
        (json!({"frequency": "weekly", "days_of_week": [7]}), "days_of_week[0]", "range"),
        (json!({"frequency": "weekly", "days_of_week": [0, -1]}), "days_of_week[1]", "range"),
        (json!({"frequency": "weekly", "days_of_week": ["0"]}), "days_of_week[0]", "type"),
        (
            json!({"frequency": "weekly", "days_of_week": [0, 1, 2, 3, 4, 5, 6, 0]}),
            "days_of_week",
            "too_many",
        ),
        (json!({"frequency": "daily", "count": 3}), "count", "unknown"),
    ] {
        assert_eq!(faults(&value), [(path.to_owned(), code)], "{value}");
    }
}

#[test]
fn every_fault_is_told() {
    let value = json!({
        "frequency": "hourly", "interval": 99, "end_date": "soon", "days_of_week": [1, 8, "x"], "until": 1
    });
    let wanted = [
        ("until", "unknown"),
        ("frequency", "range"),
        ("interval", "range"),
        ("end_date", "format"),
        ("days_of_week[1]", "range"),
        ("days_of_week[2]", "type"),
    ];
    assert_eq!(faults(&value), wanted.map(|(path, code)| (path.to_owned(), code)));
}
