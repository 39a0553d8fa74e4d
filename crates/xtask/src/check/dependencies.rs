//! Who may know whom: `scheduling` ← `contracts` ← `common` ← services ← all-in-one. Services never
//! know each other.

use crate::failure::Failure;
use crate::shell;
use serde_json::Value;

const SERVICES: [&str; 4] = ["marca-tenant", "marca-user", "marca-resource", "marca-booking"];

/// What a crate of the rules may link beside its own kind: nothing that waits or talks.
const NOT_PURE: [&str; 8] =
    ["axum", "hyper", "redis", "reqwest", "sea-orm", "sqlx", "tokio", "tracing"];

pub(crate) fn run() -> Result<(), Failure> {
    let mut command = shell::cargo();
    command.args(["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&shell::capture(&mut command)?)?;
    Failure::from_complaints(&offences(&metadata))
}

fn offences(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let ours: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut found = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((normal, dev)) = allowed(name) else {
            found.push(format!("{name} has no rule; add one to crates/xtask/src/check/"));
            continue;
        };
        for dependency in package["dependencies"].as_array().map_or(&[][..], Vec::as_slice) {
            let target = dependency["name"].as_str().unwrap_or_default();
            let for_tests = dependency["kind"].as_str() == Some("dev");
            let forbidden = if ours.contains(&target) {
                !(normal.contains(&target) || for_tests && dev.contains(&target))
            } else {
                !for_tests && is_pure(name) && NOT_PURE.contains(&target)
            };
            if forbidden {
                found.push(format!("{name} must not depend on {target}"));
            }
        }
    }
    found
}

fn is_pure(name: &str) -> bool {
    name == "marca-scheduling" || name == "marca-contracts"
}

/// The crates of the workspace that `name` may use, and those it may use in its tests besides.
fn allowed(name: &str) -> Option<(Vec<&'static str>, Vec<&'static str>)> {
    const RULES: &str = "marca-scheduling";
    const CONTRACTS: &str = "marca-contracts";
    const COMMON: &str = "marca-common";
    const TESTKIT: &str = "marca-testkit";
    let base = vec![RULES, CONTRACTS, COMMON];
    Some(match name {
        RULES => (vec![], vec![]),
        CONTRACTS => (vec![RULES], vec![]),
        COMMON => (vec![RULES, CONTRACTS], vec![TESTKIT]),
        TESTKIT => (base, vec![]),
        "xtask" | "marca-e2e" => ([base, vec![TESTKIT]].concat(), vec![]),
        "marca" => ([base, SERVICES.to_vec()].concat(), vec![TESTKIT]),
        service if SERVICES.contains(&service) => (base, vec![TESTKIT]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Value {
        let dependencies: Vec<Value> =
            dependencies.iter().map(|(name, kind)| json!({"name": name, "kind": kind})).collect();
        json!({"name": name, "dependencies": dependencies})
    }

    #[test]
    fn a_service_may_not_know_another() {
        let metadata = json!({"packages": [
            package("marca-booking", &[("marca-tenant", None), ("marca-common", None)]),
            package("marca-tenant", &[]),
            package("marca-common", &[]),
        ]});
        assert_eq!(offences(&metadata), ["marca-booking must not depend on marca-tenant"]);
    }

    #[test]
    fn the_rules_stay_pure_and_tests_may_use_the_kit() {
        let metadata = json!({"packages": [
            package("marca-scheduling", &[("tokio", None), ("tokio", Some("dev"))]),
            package("marca-common", &[("marca-testkit", Some("dev"))]),
            package("marca-testkit", &[("marca-booking", None)]),
            package("marca-booking", &[("marca-testkit", None)]),
        ]});
        let expected = [
            "marca-scheduling must not depend on tokio",
            "marca-testkit must not depend on marca-booking",
            "marca-booking must not depend on marca-testkit",
        ];
        assert_eq!(offences(&metadata), expected);
    }
}
