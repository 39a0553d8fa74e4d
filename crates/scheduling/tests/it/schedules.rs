//! Both wire forms of a weekly schedule, and every fault in them.

use chrono::Weekday;
use scheduling::{ClockTime, ScheduleFault, Weekly};
use serde_json::{Value, json};

use crate::support::{clock, weekly};

fn faults(value: &Value) -> Vec<(String, &'static str)> {
    let mut faults: Vec<_> = Weekly::parse(value)
        .expect_err("a faulty schedule")
        .into_iter()
        .map(|fault| {
            assert!(!fault.message.is_empty());
            (fault.path, fault.code)
        })
        .collect();
    faults.sort();
    faults
}

#[test]
fn both_forms_give_equal_values() {
    let item = |day: u8, start: &str, end: &str| json!({"day_of_week": day, "start_time": start, "end_time": end});
    for (map, list) in [
        (json!({}), json!({"schedule": []})),
        (json!({"monday": ["09:00-18:00"]}), json!({"schedule": [item(0, "09:00", "18:00")]})),
        (
            json!({"monday": ["08:00-12:00", "14:00-18:00"], "sunday": ["00:00-24:00"]}),
            json!({"schedule": [
                item(6, "00:00:00", "24:00:00"), item(0, "14:00", "18:00"), item(0, "08:00", "12:00")
            ]}),
        ),
        (
            json!({"friday": ["08:00-10:00", "09:00-11:30:30"], "saturday": []}),
            json!({"schedule": [item(4, "08:00", "11:30:30")]}),
        ),
    ] {
        assert_eq!(weekly(&map), weekly(&list), "{map}");
    }
}

#[test]
fn nothing_said_means_always() {
    for value in [json!({}), json!({"schedule": []})] {
        let schedule = weekly(&value);
        assert!(schedule.is_always());
        assert_eq!(schedule, Weekly::always());
        assert_eq!(schedule.ranges(Weekday::Sun), [(ClockTime::MIDNIGHT, ClockTime::END_OF_DAY)]);
    }
}

#[test]
fn days_not_named_are_closed() {
    for value in [json!({"monday": []}), json!({"tuesday": ["08:00-09:00"]})] {
        let schedule = weekly(&value);
        assert!(!schedule.is_always());
        assert_eq!(schedule.ranges(Weekday::Mon), []);
        assert_eq!(schedule.ranges(Weekday::Sun), []);
    }
}

#[test]
fn ranges_that_overlap_or_touch_merge() {
    let schedule = weekly(&json!({"wednesday":
        ["14:00-15:00", "08:00-12:00", "09:00-10:00", "12:00-13:00", "15:00:01-16:00"]}));
    let range = |start, end| (clock(start), clock(end));
    assert_eq!(
        schedule.ranges(Weekday::Wed),
        [range("08:00", "13:00"), range("14:00", "15:00"), range("15:00:01", "16:00")]
    );
}

#[test]
fn faults_of_the_map_form() {
    for (value, wanted) in [
        (json!([]), vec![("", "type")]),
        (json!(null), vec![("", "type")]),
        (json!("monday"), vec![("", "type")]),
        (json!({"Monday": []}), vec![("Monday", "unknown")]),
        (json!({"segunda": []}), vec![("segunda", "unknown")]),
        (json!({"monday": "08:00-12:00"}), vec![("monday", "type")]),
        (json!({"monday": null}), vec![("monday", "type")]),
        (json!({"monday": [8]}), vec![("monday[0]", "type")]),
        (json!({"monday": ["08:00"]}), vec![("monday[0]", "format")]),
        (json!({"monday": ["08:00 - 12:00"]}), vec![("monday[0]", "format")]),
        (json!({"monday": ["08:00-25:00"]}), vec![("monday[0]", "format")]),
        (json!({"monday": ["24:00-24:00"]}), vec![("monday[0]", "format")]),
        (json!({"monday": ["08:00-09:00-10:00"]}), vec![("monday[0]", "format")]),
        (json!({"monday": ["12:00-08:00"]}), vec![("monday[0]", "order")]),
        (json!({"monday": ["08:00-08:00"]}), vec![("monday[0]", "order")]),
        (
            json!({"monday": ["x", "08:00-09:00", "9-10"], "tuesday": 1, "x": [], "friday": ["22:00-02:00"]}),
            vec![
                ("friday[0]", "order"),
                ("monday[0]", "format"),
                ("monday[2]", "format"),
                ("tuesday", "type"),
                ("x", "unknown"),
            ],
        ),
    ] {
        let wanted: Vec<_> =
            wanted.into_iter().map(|(path, code)| (path.to_owned(), code)).collect();
        assert_eq!(faults(&value), wanted, "{value}");
    }
}

#[test]
fn faults_of_the_list_form() {
    let list = |item: Value| json!({"schedule": [item]});
    for (value, wanted) in [
        (json!({"schedule": {}}), vec![("schedule", "type")]),
        (json!({"schedule": null}), vec![("schedule", "type")]),
        (json!({"schedule": [], "monday": []}), vec![("monday", "unknown")]),
        (list(json!("09:00-18:00")), vec![("schedule[0]", "type")]),
        (
            list(json!({})),
            vec![
                ("schedule[0].day_of_week", "missing"),
                ("schedule[0].end_time", "missing"),
                ("schedule[0].start_time", "missing"),
            ],
        ),
        (
            list(json!({"day_of_week": 7, "start_time": 9, "end_time": "18h", "break": 1})),
            vec![
                ("schedule[0].break", "unknown"),
                ("schedule[0].day_of_week", "range"),
                ("schedule[0].end_time", "format"),
                ("schedule[0].start_time", "type"),
            ],
        ),
        (
            list(json!({"day_of_week": -1, "start_time": "24:00", "end_time": "24:00"})),
            vec![("schedule[0].day_of_week", "range"), ("schedule[0].start_time", "format")],
        ),
        (
            list(json!({"day_of_week": "0", "start_time": "18:00", "end_time": "09:00"})),
            vec![("schedule[0].day_of_week", "type"), ("schedule[0].end_time", "order")],
        ),
        (
            list(json!({"day_of_week": 1.5, "start_time": "08:00", "end_time": "09:00"})),
            vec![("schedule[0].day_of_week", "type")],
        ),
    ] {
        let wanted: Vec<_> =
            wanted.into_iter().map(|(path, code)| (path.to_owned(), code)).collect();
        assert_eq!(faults(&value), wanted, "{value}");
    }
}

#[test]
fn at_most_fifty_ranges_a_day() {
    let ranges = |count: u8| vec!["08:00-09:00"; usize::from(count)];
    assert!(Weekly::parse(&json!({"monday": ranges(50), "friday": ranges(50)})).is_ok());
    assert_eq!(faults(&json!({"monday": ranges(51)})), [("monday".to_owned(), "too_many")]);

    let item = |day: u8| json!({"day_of_week": day, "start_time": "08:00", "end_time": "09:00"});
    let list = |count: usize| json!({"schedule": vec![item(3); count]});
    assert!(Weekly::parse(&list(50)).is_ok());
    assert_eq!(faults(&list(51)), [("schedule[50]".to_owned(), "too_many")]);
    assert_eq!(faults(&list(351)), [("schedule".to_owned(), "too_many")]);
    let week: Vec<_> =
        (0..350_u16).map(|index| item(u8::try_from(index % 7).expect("a day"))).collect();
    assert!(Weekly::parse(&json!({"schedule": week})).is_ok());
}

#[test]
fn a_fault_can_be_placed_in_a_larger_document() {
    let at =
        |path: &str| ScheduleFault { path: path.to_owned(), code: "type", message: String::new() };
    assert_eq!(
        at("monday[0]").under("availability_schedule").path,
        "availability_schedule.monday[0]"
    );
    assert_eq!(at("").under("availability_schedule").path, "availability_schedule");
}
