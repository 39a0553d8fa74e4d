//! `cargo xtask bench`: measures release builds against real servers and prints one table. Every
//! figure stands beside a reference of the same run on the same machine, because only the ratio
//! says anything. Never part of `cargo xtask test`.

mod holds;
mod house;
mod load;
mod login;
mod scripts;
mod search;
mod series;
mod table;
mod wall;

use std::fs;
use std::time::Duration;

use crate::failure::Failure;
use crate::shell;
use house::House;
use load::{Load, pgbench, wrk};
use table::{Row, print};

/// How long each load runs.
const RUN: Duration = Duration::from_secs(10);
/// How often each pair of loads is run; the best of them counts, for both sides alike.
const ROUNDS: usize = 2;

/// Runs the benchmarks; `BENCH=search` only those of the search and of the slot lists,
/// `BENCH=together` only series and holds.
pub(crate) fn run() -> Result<(), Failure> {
    testkit::servers::ensure_installed()?;
    load::ensure_wrk()?;
    let mut build = shell::cargo();
    build.args(["build", "--release", "--quiet"]);
    for service in contracts::Service::ALL {
        build.args(["-p", &format!("marca-{}", service.name())]);
    }
    shell::run(&mut build)?;
    println!("machine: {}", machine());
    let runtime = tokio::runtime::Runtime::new()?;
    let house = runtime.block_on(House::start())?;
    let mut rows = Vec::new();
    if shell::env("BENCH").as_deref() == Some("search") {
        return searches(&runtime, &house, rows);
    }
    if shell::env("BENCH").as_deref() == Some("together") {
        print(&together(&runtime, &house)?);
        return Ok(());
    }
    let mut from = 0;
    for connections in [16, 64] {
        let (mut ours, mut reference) = (Load::default(), Load::default());
        for _ in 0..ROUNDS {
            ours = ours.best(wrk(
                &house,
                &house.create_script(from)?,
                &house.booking_url(),
                connections,
                RUN,
            )?);
            from += 1;
            reference = reference.best(pgbench(&house, connections, RUN)?);
        }
        rows.push(Row::new(
            format!("create booking, {connections} connections"),
            ours,
            "pgbench, same transaction",
            reference,
            0.45,
        ));
    }
    for connections in [16, 64] {
        let (mut ours, mut reference) = (Load::default(), Load::default());
        for _ in 0..ROUNDS {
            ours = ours.best(wrk(
                &house,
                &house.read_script()?,
                &house.resource_url(),
                connections,
                RUN,
            )?);
            reference = reference.best(wrk(
                &house,
                &house.constant_script()?,
                &house.resource_url(),
                connections,
                RUN,
            )?);
        }
        rows.push(Row::new(
            format!("availability, warm, {connections} connections"),
            ours,
            "a route that returns a constant",
            reference,
            0.40,
        ));
    }
    rows.extend(wall::rows(&house, from, ROUNDS, RUN)?);
    rows.extend(together(&runtime, &house)?);
    searches(&runtime, &house, rows)?;
    println!();
    for line in runtime.block_on(house.cost_of_a_booking())? {
        println!("{line}");
    }
    println!();
    println!("{}", runtime.block_on(login::timing(&house))?);
    Ok(())
}

/// Series and holds, each beside single bookings.
fn together(runtime: &tokio::runtime::Runtime, house: &House) -> Result<Vec<Row>, Failure> {
    Ok(vec![runtime.block_on(series::row(house))?, runtime.block_on(holds::row(house))?])
}

/// The searches, and the table of everything.
fn searches(
    runtime: &tokio::runtime::Runtime,
    house: &House,
    mut rows: Vec<Row>,
) -> Result<(), Failure> {
    let crowd = runtime.block_on(search::Crowd::seed(house))?;
    rows.extend(crowd.rows(house, ROUNDS, RUN)?);
    print(&rows);
    println!();
    for line in runtime.block_on(crowd.notes(house))? {
        println!("{line}");
    }
    Ok(())
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib =
        memory.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let model = model.trim_start_matches([' ', '\t', ':']);
    format!("{cores} × {model}, {} GiB; client, services and Postgres share it", kib / 1024 / 1024)
}
