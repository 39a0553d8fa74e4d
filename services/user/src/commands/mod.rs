//! The user service's own commands, one file each. A new one is a variant here, an arm in `run`, and
//! a file with the function; one that needs the database begins with `bench.open()`,
//! `Assembly::open(…)` and `crate::users(…)`.

mod keys;

use std::process::ExitCode;

use clap::Subcommand;
use common::lifecycle::{Bench, OwnCommand};

/// What the user service can be told beside serving; the all-in-one can be told it as well.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Show the keys that sign and verify access tokens, or put a fresh one in front.
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        action: keys::Action,
    },
}

impl OwnCommand for UserCommand {
    async fn run(self, bench: Bench<'_>) -> Result<ExitCode, String> {
        match self {
            Self::Keys { action } => keys::run(&action, bench.settings()),
        }
    }
}
