//! Python's `icalendar` and `recurring-ical-events` read the files; its zoneinfo knows the zones.
//!
//! Runs the Python of the environment variable `TEST_PYTHON` (`cargo xtask test` sets it). Without it the
//! test passes with a notice, except under `CI=true`.

use std::{
    collections::BTreeSet,
    io::Write as _,
    process::{Command, Stdio},
    thread,
};

use chrono::{DateTime, TimeDelta, Utc};
use scheduling::icalendar::{self, FreeBusy, Heading, State};
use scheduling::{Occupancy, Zone, tzdb_version};
use serde_json::{Value, json};

use super::event;
use crate::support::{instant, span};
use crate::zones::CHANGES;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/icalendar/read.py");

#[allow(clippy::disallowed_methods, reason = "a test is steered by its environment")]
fn python() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let python = variable("TEST_PYTHON");
    if python.is_none() {
        assert!(variable("CI").is_none_or(|ci| ci != "true"), "TEST_PYTHON is not set");
        eprintln!("calendar files are not read back: TEST_PYTHON is not set");
    }
    python
}

/// What Python finds in each file.
fn read(python: &str, asked: Vec<Value>) -> Vec<Value> {
    let mut command = Command::new(python);
    // The tables are those that the zones here come from.
    let tables = if tzdb_version().starts_with("system") { "/usr/share/zoneinfo" } else { "" };
    command.arg(SCRIPT).env("PYTHONTZPATH", tables).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("python starts");
    let mut input = child.stdin.take().expect("piped");
    let count = asked.len();
    // Written beside the reading, since a full pipe would stop both.
    let writer = thread::spawn(move || {
        for line in asked {
            writeln!(input, "{line}").expect("python reads");
        }
    });
    let output = child.wait_with_output().expect("python ends");
    writer.join().expect("everything is written");
    assert!(output.status.success(), "{SCRIPT} failed");
    let output = String::from_utf8(output.stdout).expect("text");
    let answers: Vec<Value> =
        output.lines().map(|line| serde_json::from_str(line).expect("json")).collect();
    assert_eq!(answers.len(), count);
    answers
}

fn at(instant: DateTime<Utc>) -> i64 {
    instant.timestamp()
}

/// The zones of semantics.md, and those whose clock never changes any more.
fn zones() -> Vec<&'static str> {
    let mut all: BTreeSet<&str> = CHANGES.iter().map(|change| change.zone).collect();
    all.extend(["America/Sao_Paulo", "Asia/Kathmandu", "Australia/Eucla", "Pacific/Chatham"]);
    all.extend(["Europe/Dublin", "Asia/Tehran", "Etc/GMT+3"]);
    all.into_iter().collect()
}

#[test]
fn the_clock_of_every_zone_is_that_of_python() {
    let Some(python) = python() else { return };
    let (from, to) = (instant("2026-02-10T00:00Z"), instant("2027-12-01T00:00Z"));
    let edge = |day: &str| (format!("{day}T12:00Z"), format!("{day}T13:00Z"));
    let ((first, first_end), (last, last_end)) = (edge("2026-02-10"), edge("2027-12-01"));
    let asked = zones().into_iter().map(|zone| {
        let events = [event(zone, &first, &first_end), event(zone, &last, &last_end)];
        let heading =
            Heading { name: zone.to_owned(), zone: Zone::parse(zone).expect("a zone"), at: from };
        json!({
            "text": icalendar::calendar(&heading, &events),
            "hours": [at(from) + 43_200, at(to)],
        })
    });
    let answers = read(&python, asked.collect());
    for (zone, answer) in zones().into_iter().zip(&answers) {
        assert_eq!(answer["zones"], json!([zone]));
        assert_eq!(answer["differences"], json!([]), "{zone}, {}", tzdb_version());
    }
}

/// Around every change of the clock, an event each half hour: Python comes to the very same instants.
#[test]
fn events_around_every_change_are_read_as_the_same_instants() {
    let Some(python) = python() else { return };
    let mut wanted = Vec::new();
    let mut asked = Vec::new();
    for change in &CHANGES {
        let middle = instant(change.at);
        let mut events = Vec::new();
        for number in -8..8 {
            let start = middle + TimeDelta::minutes(30 * number);
            let end = start + TimeDelta::minutes(45);
            let text = |it: DateTime<Utc>| it.format("%Y-%m-%dT%H:%MZ").to_string();
            events.push(event(change.zone, &text(start), &text(end)));
        }
        let heading = Heading {
            name: "x".to_owned(),
            zone: Zone::parse(change.zone).expect("a zone"),
            at: middle,
        };
        let between = [at(middle - TimeDelta::days(2)), at(middle + TimeDelta::days(2))];
        asked.push(json!({
            "text": icalendar::calendar(&heading, &events), "between": between,
        }));
        wanted.push(events);
    }
    for (answer, events) in read(&python, asked).iter().zip(&wanted) {
        assert_eq!(answer["between"], events.len());
        for (read, event) in answer["events"].as_array().expect("events").iter().zip(events) {
            assert_eq!(read["uid"], event.uid);
            let (start, end) = (at(event.span.start()), at(event.span.end()));
            assert_eq!((&read["start"], &read["end"]), (&json!(start), &json!(end)), "{event:?}");
        }
    }
}

#[test]
fn words_states_and_taken_time_are_read_as_they_were_written() {
    let Some(python) = python() else { return };
    let mut cancelled = event("Europe/London", "2027-03-28T00:30Z", "2027-03-28T01:30Z");
    cancelled.state = State::Cancelled;
    cancelled.summary = "Aula; \"difícil\", \\ de çãõ 🧘 ".repeat(9);
    cancelled.description = "uma linha\r\noutra: {2}\n\nfim".to_owned();
    let busy = [
        span("2027-03-28T00:30Z", "2027-03-28T01:30Z"),
        span("2027-03-29T00:30Z", "2027-03-29T01:30Z"),
        span("2027-03-30T00:30Z", "2027-03-30T01:30Z"),
    ];
    let free_busy = FreeBusy {
        uid: "x@marca".to_owned(),
        at: instant("2027-03-01T12:00Z"),
        span: span("2027-03-28T00:00Z", "2027-04-02T00:00Z"),
        busy: Occupancy::from_spans(busy),
        unavailable: Occupancy::from_spans([span("2027-04-01T00:00Z", "2027-04-01T10:00Z")]),
    };
    let files = [icalendar::event(&cancelled), icalendar::free_busy(&free_busy)];
    let answers = read(&python, files.iter().map(|text| json!({ "text": text })).collect());
    let read = &answers[0]["events"][0];
    assert_eq!((&read["status"], &read["transp"]), (&json!("CANCELLED"), &json!("TRANSPARENT")));
    assert_eq!((&read["sequence"], &read["summary"]), (&json!(3), &json!(cancelled.summary)));
    assert_eq!(read["description"], "uma linha\noutra: {2}\n\nfim");
    assert_eq!(read["modified"], at(cancelled.changed));
    let periods = answers[1]["free_busy"][0]["periods"].as_array().expect("periods");
    let kinds: Vec<&str> = periods.iter().filter_map(|it| it["kind"].as_str()).collect();
    assert_eq!(kinds, ["BUSY", "BUSY", "BUSY", "BUSY-UNAVAILABLE"]);
    for (read, span) in periods.iter().zip(&busy) {
        assert_eq!(
            (&read["start"], &read["end"]),
            (&json!(at(span.start())), &json!(at(span.end())))
        );
    }
}
