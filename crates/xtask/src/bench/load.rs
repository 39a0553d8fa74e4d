//! Load: wrk for HTTP, pgbench for Postgres. Loopback only, bounded in time.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testkit::servers::tools;

use super::house::House;
use crate::failure::Failure;
use crate::shell;

/// What a load came to. Latencies in milliseconds.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) errors: u64,
}

impl Load {
    /// The faster of two runs; errors of both count.
    pub(crate) fn best(self, other: Self) -> Self {
        let errors = self.errors + other.errors;
        let best = if self.per_second > other.per_second { self } else { other };
        Self { errors, ..best }
    }
}

/// Finds wrk, or installs it.
pub(crate) fn ensure_wrk() -> Result<(), Failure> {
    if Command::new("wrk").arg("-v").output().is_ok() {
        return Ok(());
    }
    shell::run(Command::new("apt-get").args(["install", "-y", "-qq", "wrk"]))
        .map_err(|_| Failure::new("wrk is missing. Install it: apt-get install wrk"))
}

/// Drives `url` by a wrk script whose `done` prints the figures.
pub(crate) fn wrk(
    house: &House,
    script: &Path,
    url: &str,
    connections: u32,
    time: Duration,
) -> Result<Load, Failure> {
    house.settle();
    let mut command = Command::new("wrk");
    command.args([
        "-t2",
        &format!("-c{connections}"),
        &format!("-d{}s", time.as_secs()),
        "--timeout",
        "10s",
        "-s",
    ]);
    let printed = shell::capture(command.arg(script).arg(url))?;
    let figures = printed.lines().find_map(|line| line.strip_prefix("FIGURES "));
    let figures = figures.ok_or_else(|| Failure::new(format!("wrk said: {printed}")))?;
    let numbers: Vec<f64> = figures.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [per_second, p50, p99, errors] = numbers[..] else {
        return Err(Failure::new(format!("wrk said: {printed}")));
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    Ok(Load { per_second, p50, p99, errors: errors as u64 })
}

/// Drives the same transaction, claim and outbox row, straight against Postgres.
pub(crate) fn pgbench(house: &House, connections: u32, time: Duration) -> Result<Load, Failure> {
    house.settle();
    let folder = house.reference_folder();
    for old in std::fs::read_dir(&folder)?.flatten() {
        if old.file_name().to_string_lossy().starts_with("log.") {
            std::fs::remove_file(old.path())?;
        }
    }
    let mut command =
        Command::new(tools::find_program("pgbench").unwrap_or_else(|| "pgbench".into()));
    command
        .current_dir(&folder)
        .args([
            "-n",
            "-M",
            "prepared",
            "-j",
            "2",
            "-f",
            "reference.sql",
            "-D",
            "i=0",
            "-l",
            "--log-prefix=log",
        ])
        .args(["-c", &connections.to_string(), "-T", &time.as_secs().to_string()])
        .args(["-D", &format!("base={}", house.next_base())])
        .arg(house.reference_url());
    let printed = shell::capture(&mut command)?;
    let per_second = printed
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
        .ok_or_else(|| Failure::new(format!("pgbench said: {printed}")))?;
    let mut latencies = Vec::new();
    for log in std::fs::read_dir(&folder)?.flatten() {
        if log.file_name().to_string_lossy().starts_with("log.") {
            let text = std::fs::read_to_string(log.path())?;
            latencies.extend(
                text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()),
            );
        }
    }
    latencies.sort_by(f64::total_cmp);
    let at = |per_mille: usize| {
        latencies.get(latencies.len() * per_mille / 1000).copied().unwrap_or(0.0) / 1000.0
    };
    Ok(Load { per_second, p50: at(500), p99: at(990), errors: 0 })
}
