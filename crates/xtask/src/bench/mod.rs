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
/// Clients at once.
const CONNECTIONS: [u32; 2] = [16, 64];
/// Runs of [`creates`], each on slots of its own.
const CREATES: usize = CONNECTIONS.len() * ROUNDS;
/// What can be chosen.
const PARTS: [&str; 5] = ["create", "availability", "wall", "together", "search"];

/// Runs the benchmarks, or those that `BENCH` names: `create`, `availability`, `wall` (row-level
/// security), `together` (series and holds) or `search` (the slot lists as well).
pub(crate) fn run() -> Result<(), Failure> {
    let chosen = shell::env("BENCH");
    let chosen = chosen.as_deref();
    if let Some(name) = chosen.filter(|name| !PARTS.contains(name)) {
        return Err(Failure::new(format!("BENCH={name}: there are {}", PARTS.join(", "))));
    }
    let wanted = |part: &str| chosen.is_none_or(|name| name == part);
    testkit::servers::ensure_installed()?;
    load::ensure_wrk()?;
    build()?;
    println!("machine: {}", machine());
    let runtime = tokio::runtime::Runtime::new()?;
    let house = runtime.block_on(House::start())?;
    let mut rows = Vec::new();
    if wanted("create") {
        rows.extend(creates(&house)?);
    }
    if wanted("availability") {
        rows.extend(availability(&house)?);
    }
    if wanted("wall") {
        rows.extend(wall::rows(&house, CREATES, ROUNDS, RUN)?);
    }
    if wanted("together") {
        rows.extend(together(&runtime, &house)?);
    }
    let mut notes = Vec::new();
    if wanted("search") {
        let crowd = runtime.block_on(search::Crowd::seed(&house))?;
        rows.extend(crowd.rows(&house, ROUNDS, RUN)?);
        notes.extend(runtime.block_on(crowd.notes(&house))?);
    }
    if wanted("create") {
        notes.extend(runtime.block_on(house.cost_of_a_booking())?);
    }
    if chosen.is_none() {
        notes.push(runtime.block_on(login::timing(&house))?);
    }
    print(&rows);
    for line in notes {
        println!("\n{line}");
    }
    Ok(())
}

fn build() -> Result<(), Failure> {
    let mut build = shell::cargo();
    build.args(["build", "--release", "--quiet"]);
    for service in contracts::Service::ALL {
        build.args(["-p", &format!("marca-{}", service.name())]);
    }
    shell::run(&mut build)
}

/// Making bookings beside the same transaction in pgbench.
fn creates(house: &House) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    let mut slots = 0..CREATES;
    for connections in CONNECTIONS {
        let (mut ours, mut reference) = (Load::default(), Load::default());
        for _ in 0..ROUNDS {
            let script = house.create_script(slots.next().unwrap_or_default())?;
            ours = ours.best(wrk(house, &script, &house.booking_url(), connections, RUN)?);
            reference = reference.best(pgbench(house, connections, RUN)?);
        }
        let name = format!("create booking, {connections} connections");
        rows.push(Row::new(name, ours, "pgbench, same transaction", reference, 0.45));
    }
    Ok(rows)
}

/// Free times that are known beside a route that knows nothing.
fn availability(house: &House) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    let (read, constant) = (house.read_script()?, house.constant_script()?);
    let url = house.resource_url();
    for connections in CONNECTIONS {
        let (mut ours, mut reference) = (Load::default(), Load::default());
        for _ in 0..ROUNDS {
            ours = ours.best(wrk(house, &read, &url, connections, RUN)?);
            reference = reference.best(wrk(house, &constant, &url, connections, RUN)?);
        }
        let name = format!("availability, warm, {connections} connections");
        rows.push(Row::new(name, ours, "a route that returns a constant", reference, 0.40));
    }
    Ok(rows)
}

/// Series and holds, each beside single bookings.
fn together(runtime: &tokio::runtime::Runtime, house: &House) -> Result<Vec<Row>, Failure> {
    Ok(vec![runtime.block_on(series::row(house))?, runtime.block_on(holds::row(house))?])
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
