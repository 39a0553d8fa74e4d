//! `cargo xtask check`: the promises of the architecture that a compiler does not know.

mod compose;
mod dependencies;
mod sources;

use crate::failure::Failure;
use crate::generated::Options;
use crate::{gateway, openapi};

/// Runs every check and names every offence at once.
pub(crate) fn run() -> Result<(), Failure> {
    let clean = Options { check: true };
    let checks = [
        ("who depends on whom", dependencies::run()),
        ("sources", sources::run()),
        ("compose files", compose::run()),
        ("gateway is generated", gateway::run(clean)),
        ("OpenAPI is generated", openapi::run(clean)),
    ];
    let mut complaints = Vec::new();
    for (name, outcome) in checks {
        println!("{name}: {}", if outcome.is_ok() { "ok" } else { "FAILED" });
        complaints.extend(outcome.err().map(|failure| failure.to_string()));
    }
    Failure::from_complaints(&complaints)
}
