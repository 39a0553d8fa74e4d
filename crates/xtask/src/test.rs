//! `cargo xtask test`: everything CI runs, in one command that needs nothing prepared.

use crate::failure::Failure;
use crate::{check, deny, fuzz, python, shell};
use clap::ValueEnum;
use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};
use testkit::servers::postgres::Durability;
use testkit::servers::redis::Persistence;
use testkit::servers::{self, Postgres, Redis};

/// Which stages to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run only these stages.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Stage>,
    /// Leave these stages out.
    #[arg(long, value_delimiter = ',')]
    skip: Vec<Stage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// cargo fmt --check
    Fmt,
    /// cargo clippy, warnings are errors
    Clippy,
    /// cargo-deny: licences, bans, sources
    Deny,
    /// cargo xtask check
    Check,
    /// unit and service tests of every crate
    Unit,
    /// the binaries that the end-to-end tests start
    Build,
    /// schemathesis against the specification of every service
    Fuzz,
    /// end to end over nginx, Redis and Postgres
    E2e,
}

#[derive(Debug, Default)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// The servers that every test process shares; stopped when dropped.
struct Servers {
    variables: Vec<(&'static str, String)>,
    /// Where databases are made.
    postgres_url: String,
    _postgres: Option<Postgres>,
    _redis: Option<Redis>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let mut counts = Counts::default();
    let mut report = String::new();
    let mut failed = false;
    let mut servers = None;
    for stage in Stage::value_variants().iter().copied().filter(|stage| options.wants(*stage)) {
        println!("\n=== {} ===", stage.name());
        let began = Instant::now();
        let outcome = stage.run(&mut servers, &mut counts);
        if let Err(failure) = &outcome {
            eprintln!("{failure}");
            failed = true;
        }
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        let seconds = began.elapsed().as_secs_f64();
        let _ = writeln!(report, "{:<8} {seconds:>8.1} s  {verdict}", stage.name());
    }
    drop(servers);
    println!("\n{report}");
    let Counts { passed, failed: tests_failed, ignored } = counts;
    println!("tests: {passed} passed, {tests_failed} failed, {ignored} skipped");
    if failed { Err(Failure::new("not every stage passed")) } else { Ok(()) }
}

impl Options {
    fn wants(&self, stage: Stage) -> bool {
        (self.only.is_empty() || self.only.contains(&stage)) && !self.skip.contains(&stage)
    }
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Deny => "deny",
            Self::Check => "check",
            Self::Unit => "unit",
            Self::Build => "build",
            Self::Fuzz => "fuzz",
            Self::E2e => "e2e",
        }
    }

    fn run(self, servers: &mut Option<Servers>, counts: &mut Counts) -> Result<(), Failure> {
        let mut cargo = shell::cargo();
        match self {
            Self::Fmt => shell::run(cargo.args(["fmt", "--all", "--check"])),
            Self::Clippy => {
                cargo.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
                shell::run(&mut cargo)
            }
            Self::Deny => deny::run(),
            Self::Check => check::run(),
            Self::Build => shell::run(cargo.args(["build", "--workspace", "--bins"])),
            Self::Fuzz => fuzz::run(&started(servers)?.postgres_url),
            Self::Unit => {
                cargo.args(["test", "--workspace", "--exclude", "marca-e2e", "--no-fail-fast"]);
                give_python(&mut cargo);
                tests(&mut cargo, servers, counts)
            }
            Self::E2e => {
                // The whole workspace again: with one package alone cargo would choose other features and
                // build every dependency a second time.
                cargo.args(["test", "--workspace", "--test", "e2e", "--no-fail-fast"]);
                // The figures it measures (freshness, races, outages) belong in the log.
                cargo.args(["--", "--show-output"]);
                tests(&mut cargo, servers, counts)
            }
        }
    }
}

fn tests(
    command: &mut Command,
    servers: &mut Option<Servers>,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let servers = started(servers)?;
    command.envs(servers.variables.iter().map(|(name, url)| (name, url)));
    shell::watch(command, |line| counts.add(line))
}

/// For the comparisons with python's libraries. Where they cannot be installed, the tests say that they
/// were left out, or fail under `CI=true`.
fn give_python(command: &mut Command) {
    if shell::env("TEST_PYTHON").is_some() {
        return;
    }
    match python::with_references() {
        Ok(python) => _ = command.env("TEST_PYTHON", python),
        Err(failure) => eprintln!("no python to compare with: {failure}"),
    }
}

/// The servers, started by whoever needs them first.
fn started(servers: &mut Option<Servers>) -> Result<&Servers, Failure> {
    match servers {
        Some(running) => Ok(running),
        None => Ok(servers.insert(Servers::start()?)),
    }
}

impl Servers {
    /// Starts what no variable names already.
    fn start() -> Result<Self, Failure> {
        let began = Instant::now();
        servers::ensure_installed()?;
        let mut variables = Vec::new();
        let mut postgres = None;
        let postgres_url = if let Some(given) = shell::env("TEST_POSTGRES_URL") {
            given
        } else {
            let own = Postgres::start(Durability::Fast)?;
            let url = own.admin_url();
            variables.push(("TEST_POSTGRES_URL", url.clone()));
            postgres = Some(own);
            url
        };
        let mut redis = None;
        if shell::env("TEST_REDIS_URL").is_none() {
            let own = Redis::start(Persistence::None)?;
            variables.push(("TEST_REDIS_URL", own.url()));
            redis = Some(own);
        }
        let took: Duration = began.elapsed();
        println!("servers are up after {:.1} s: {variables:?}", took.as_secs_f64());
        Ok(Self { variables, postgres_url, _postgres: postgres, _redis: redis })
    }
}

impl Counts {
    /// Adds a closing line of a test binary: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some((_, result)) = line.split_once("test result: ") else { return };
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let Some(Ok(number)) = words.next().map(str::parse::<u64>) else { continue };
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.ignored += number,
                Some(_) | None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_added_up() {
        let mut counts = Counts::default();
        counts.add("running 3 tests");
        counts.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        counts.add("test result: FAILED. 2 passed; 1 failed; 0 ignored; finished in 0.01s");
        assert_eq!((counts.passed, counts.failed, counts.ignored), (5, 1, 1));
    }
}
