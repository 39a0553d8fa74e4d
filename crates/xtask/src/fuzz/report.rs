//! What schemathesis says of a run: its own count of cases and findings, and our tally of answers.

use super::Who;
use crate::failure::Failure;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Operations that an admin of the run's tenant never succeeds in: the tenant must outlive the run.
const NEVER: [&str; 1] = ["DELETE /tenants/{id}"];

/// What came of a run.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Cases, by schemathesis' own report.
    pub(super) cases: u64,
    /// Different failures and errors.
    pub(super) findings: u64,
    /// Whether schemathesis ended well.
    fine: bool,
    /// Operations that were not tested.
    untested: u64,
    /// The run's tenant could not sign in any more.
    destroyed: bool,
    /// Answers of each operation by status.
    tally: BTreeMap<String, BTreeMap<String, u64>>,
}

/// Reads both reports.
pub(super) fn read(report: &Path, tally: &Path, fine: bool) -> Result<Outcome, Failure> {
    let report: Value = serde_json::from_str(&fs::read_to_string(report)?)?;
    let told: Value = serde_json::from_str(&fs::read_to_string(tally)?)?;
    outcome(&report, &told, fine).ok_or_else(|| Failure::new("the reports are not understood"))
}

fn outcome(report: &Value, told: &Value, fine: bool) -> Option<Outcome> {
    let cases = &report["test_cases"];
    let findings = cases["unique_failures"].as_u64()? + cases["errored"].as_u64()?;
    let selected = report["operations"]["selected"].as_u64()?;
    let tested = report["operations"]["tested"].as_u64()?;
    let count = |answers: &Value| -> Option<BTreeMap<String, u64>> {
        let answers = answers.as_object()?.iter();
        answers.map(|(status, number)| Some((status.clone(), number.as_u64()?))).collect()
    };
    let operations = told["operations"].as_object()?.iter();
    let tally = operations.map(|(name, answers)| Some((name.clone(), count(answers)?)));
    Some(Outcome {
        cases: cases["generated"].as_u64()?,
        findings,
        fine: fine && report["complete"].as_bool()?,
        untested: selected - tested,
        destroyed: told["rejected"].as_u64()? > 0,
        tally: tally.collect::<Option<_>>()?,
    })
}

impl Outcome {
    /// How often each status was answered.
    pub(super) fn answers(&self) -> String {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (status, number) in self.tally.values().flatten() {
            *sums.entry(status).or_default() += number;
        }
        sums.iter().fold(String::new(), |mut text, (status, number)| {
            let _ = write!(text, "{status}×{number} ");
            text
        })
    }

    fn operations(&self) -> impl Iterator<Item = (&String, &BTreeMap<String, u64>)> {
        self.tally.iter().filter(|(name, _)| name.contains('/') && !NEVER.contains(&name.as_str()))
    }

    /// The operations that were never answered with a success.
    pub(super) fn barren(&self) -> Vec<&str> {
        let none =
            self.operations().filter(|(_, answers)| !answers.keys().any(|it| it.starts_with('2')));
        none.map(|(name, _)| name.as_str()).collect()
    }

    /// Everything wrong with the run.
    pub(super) fn complaints(&self, who: Who) -> Vec<String> {
        let mut complaints = Vec::new();
        if !self.fine || self.findings > 0 {
            complaints.push(format!("{} findings, see above", self.findings));
        }
        if self.untested > 0 {
            complaints.push(format!("{} operations were not tested", self.untested));
        }
        if self.destroyed {
            complaints.push("the run has destroyed its own admin: see hooks.py".to_owned());
        }
        if self.tally.values().flatten().any(|(status, _)| status.starts_with('5')) {
            complaints.push("a server error was answered".to_owned());
        }
        // Where nothing succeeds, the checks have seen refusals only.
        let barren = self.barren();
        if who == Who::Admin && barren.len() * 2 > self.operations().count() {
            complaints.push(format!("most operations never succeeded: {}", barren.join(", ")));
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample(failures: u64, status: &str) -> Outcome {
        let report = json!({
            "complete": true,
            "operations": {"selected": 2, "tested": 2},
            "test_cases": {"generated": 31, "unique_failures": failures, "errored": 0},
        });
        let told = json!({"rejected": 0, "operations": {"GET /users/": {"422": 1, status: 2}}});
        outcome(&report, &told, failures == 0).unwrap_or_else(|| panic!("not understood"))
    }

    #[test]
    fn cases_are_those_of_the_report_and_answers_those_of_the_tally() {
        let clean = sample(0, "200");
        assert_eq!((clean.cases, clean.answers().as_str()), (31, "200×2 422×1 "));
        assert!(clean.complaints(Who::Admin).is_empty());
    }

    #[test]
    fn a_finding_a_server_error_or_no_success_at_all_is_a_complaint() {
        assert_eq!(sample(1, "200").complaints(Who::Admin).len(), 1);
        assert_eq!(sample(0, "503").complaints(Who::Nobody).len(), 1);
        assert_eq!(sample(0, "404").complaints(Who::Admin).len(), 1);
        assert!(sample(0, "404").complaints(Who::Nobody).is_empty());
    }
}
