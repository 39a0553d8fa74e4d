//! The workspace's chores: `cargo xtask check | test | gateway | openapi | migrate | bench`.
#![allow(clippy::print_stdout, reason = "a command-line tool answers on standard output")]

mod bench;
mod check;
mod deny;
mod failure;
mod fuzz;
mod gateway;
mod generated;
mod migrate;
mod openapi;
mod python;
mod shell;
mod test;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Chores of the Marca workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Check the structure: who depends on whom, file sizes, compose files, generated files.
    Check,
    /// Run everything CI runs; starts and stops the servers it needs.
    Test(test::Options),
    /// Write the gateway's nginx configuration from the route table.
    Gateway(generated::Options),
    /// Write docs/openapi/*.json from the handlers.
    Openapi(generated::Options),
    /// Migrate the databases of the services: `migrate all`, `migrate booking status`.
    Migrate(migrate::Options),
    /// Measure bookings and availability against real Postgres.
    Bench,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Check => check::run(),
        Chore::Test(options) => test::run(&options),
        Chore::Gateway(options) => gateway::run(options),
        Chore::Openapi(options) => openapi::run(options),
        Chore::Migrate(options) => migrate::run(&options),
        Chore::Bench => bench::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
