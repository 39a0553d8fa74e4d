//! The user service's own commands, one file each. A new one is a variant here, an arm in `run`, and
//! a file with the function; one that needs the database begins with `bench.open()`,
//! `Assembly::open(…)` and `crate::users(…)`.

mod cleanup;
mod keys;
mod operator;

use std::process::ExitCode;

use clap::Subcommand;
use common::lifecycle::{Bench, OwnCommand};

pub use operator::{create_operator, switch_operator};

/// What the user service can be told beside serving; the all-in-one can be told it as well.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Show the keys that sign and verify access tokens, or put a fresh one in front.
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        action: keys::Action,
    },
    /// Remove refresh tokens and sessions that are over; counts them, and shows none.
    CleanupTokens(cleanup::Cleanup),
    /// Make a platform operator. The password comes from `OPERATOR_PASSWORD` or from a line on standard
    /// input.
    CreateOperator {
        /// With which e-mail address the operator signs in.
        #[arg(long)]
        email: String,
        /// The operator's name.
        #[arg(long)]
        name: String,
        /// Make a password and print it, once.
        #[arg(long)]
        generate: bool,
    },
    /// Switch a platform operator off; what he is signed in to stops.
    DisableOperator {
        /// The operator's e-mail address.
        #[arg(long)]
        email: String,
    },
    /// Switch a platform operator on again.
    EnableOperator {
        /// The operator's e-mail address.
        #[arg(long)]
        email: String,
    },
}

impl OwnCommand for UserCommand {
    async fn run(self, bench: Bench<'_>) -> Result<ExitCode, String> {
        match self {
            Self::Keys { action } => keys::run(&action, bench.settings()),
            Self::CleanupTokens(wanted) => cleanup::run(wanted, bench).await,
            Self::CreateOperator { email, name, generate } => {
                operator::create(bench, &email, &name, generate).await
            }
            Self::DisableOperator { email } => operator::switch(bench, &email, false).await,
            Self::EnableOperator { email } => operator::switch(bench, &email, true).await,
        }
    }
}
