//! Law 11: the expansion equals python-dateutil's on naive times.
//!
//! Runs the Python of the environment variable `TEST_PYTHON`, which has python-dateutil
//! (`cargo xtask test` sets it). Without it the test passes with a notice, except under `CI=true`.
//! Every run takes new rules from a seed that it prints; `RULES_SEED` repeats a run.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::{BufWriter, Write as _},
    process::{Command, Stdio},
    thread,
};

use chrono::NaiveDateTime;
use proptest::{
    strategy::{Strategy, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use scheduling::{Pattern, SeriesEnd, Zone};
use serde_json::{Value, json};

use super::{
    recurrence, rrule,
    rules::{repeating, rules, starts},
    series, walls,
};

const RULES: usize = 9_000;
const PATTERNS: usize = 1_000;
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/series/reference.py");

struct Case {
    start: NaiveDateTime,
    pattern: Pattern,
    /// For python-dateutil.
    text: String,
}

#[allow(clippy::disallowed_methods, reason = "a test is steered by its environment")]
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn cases(seed: u64) -> Vec<Case> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (rules, patterns) = ((starts(), rules()), (starts(), repeating()));
    let mut cases = Vec::with_capacity(RULES + PATTERNS);
    for _ in 0..RULES {
        let (start, rule) = rules.new_tree(&mut runner).expect("a rule").current();
        let text = rule.text(start);
        cases.push(Case { start, pattern: rrule(&text), text });
    }
    for _ in 0..PATTERNS {
        let (start, repeating) = patterns.new_tree(&mut runner).expect("a pattern").current();
        let text = repeating.rule.text(start);
        cases.push(Case { start, pattern: recurrence(&repeating.value), text });
    }
    cases
}

/// The answers of python-dateutil, in order.
fn asked(python: &str, cases: &[Case]) -> Vec<Value> {
    let mut command = Command::new(python);
    command.arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("python starts");
    let mut input = BufWriter::new(child.stdin.take().expect("piped"));
    let lines: Vec<_> =
        cases.iter().map(|case| json!({"start": case.start, "rule": case.text})).collect();
    // Written beside the reading, since a full pipe would stop both.
    let writer = thread::spawn(move || {
        for line in lines {
            writeln!(input, "{line}").expect("python reads");
        }
    });
    let output = child.wait_with_output().expect("python ends");
    writer.join().expect("everything is written");
    assert!(output.status.success(), "{SCRIPT} failed");
    let output = String::from_utf8(output.stdout).expect("text");
    output.lines().map(|line| serde_json::from_str(line).expect("json")).collect()
}

#[test]
fn law_11_the_expansion_equals_that_of_python_dateutil() {
    let Some(python) = env("TEST_PYTHON") else {
        assert!(env("CI").is_none_or(|ci| ci != "true"), "TEST_PYTHON is not set");
        eprintln!("law 11 is not tested: TEST_PYTHON is not set");
        return;
    };
    let seed = env("RULES_SEED").map_or_else(
        || RandomState::new().build_hasher().finish(),
        |seed| seed.parse().expect("RULES_SEED is a number"),
    );
    eprintln!("RULES_SEED={seed}");
    let cases = cases(seed);
    let answers = asked(&python, &cases);
    assert_eq!(answers.len(), cases.len());
    let (mut compared, mut empty, mut different) = (0, 0, Vec::new());
    for (case, answer) in cases.iter().zip(&answers) {
        let expansion = series(case.start, &Zone::utc()).expand(&case.pattern, None);
        let mut wanted: Vec<NaiveDateTime> =
            serde_json::from_value(answer["walls"].clone()).expect("times");
        let mut more = answer["more"] == json!(true);
        if matches!(case.pattern, Pattern::Recurrence(_)) && wanted.first() != Some(&case.start) {
            wanted.insert(0, case.start);
            more |= wanted.len() > 400;
            wanted.truncate(400);
        }
        let cut = matches!(expansion.end, SeriesEnd::Occurrences { .. });
        if walls(&expansion) != wanted || cut != more {
            different.push(format!("{} {}", case.start, case.text));
        }
        compared += wanted.len();
        empty += usize::from(wanted.is_empty());
    }
    eprintln!("{} rules, {compared} occurrences, {empty} rules without any", cases.len());
    let first = different.iter().take(10).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(different.is_empty(), "seed {seed}: {} differ\n{first}", different.len());
}
