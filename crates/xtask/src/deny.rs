//! Licences, bans and sources, by cargo-deny.

use crate::failure::Failure;
use crate::shell;
use std::time::Instant;

/// The version that deny.toml is written for.
const VERSION: &str = "0.20.2";

/// Runs cargo-deny where it is installed; CI installs it. Elsewhere says so and goes on.
pub(crate) fn run() -> Result<(), Failure> {
    if !installed() {
        if shell::env("CI").is_none() {
            println!(
                "cargo-deny is not installed: skipped (cargo install --locked cargo-deny@{VERSION})"
            );
            return Ok(());
        }
        let began = Instant::now();
        let mut command = shell::cargo();
        command.args(["install", "--quiet", "--locked", "--version", VERSION, "cargo-deny"]);
        shell::run(&mut command)?;
        println!("installed cargo-deny in {} s", began.elapsed().as_secs());
    }
    println!("advisories are not checked: their database cannot be fetched offline");
    let mut command = shell::cargo();
    command.args(["deny", "--offline", "check", "licenses", "bans", "sources"]);
    shell::run(&mut command)
}

fn installed() -> bool {
    shell::cargo().args(["deny", "--version"]).output().is_ok_and(|output| output.status.success())
}
