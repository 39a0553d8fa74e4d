//! What a program's own commands are: those beside `serve`, `migrate` and the others that every binary
//! has.

use std::process::ExitCode;

use clap::Subcommand;

use crate::platform::Platform;
use crate::settings::Settings;

/// The commands of one service beside those that every binary has: a `clap` enum that runs itself.
pub trait OwnCommand: Subcommand {
    /// Does what the command says. An error is shown and ends the process with failure.
    fn run(self, bench: Bench<'_>) -> impl Future<Output = Result<ExitCode, String>>;
}

/// The commands of a program that has none of its own.
#[derive(Debug, Subcommand)]
pub enum NoCommand {}

impl OwnCommand for NoCommand {
    async fn run(self, _: Bench<'_>) -> Result<ExitCode, String> {
        match self {}
    }
}

/// What a command works with. Nothing is opened until it asks: some commands only touch a file, and
/// run beside a server that holds everything else.
pub struct Bench<'p> {
    settings: Settings,
    claim: &'p dyn Fn(&Settings) -> Result<(), String>,
}

impl<'p> Bench<'p> {
    pub(super) fn new(
        settings: Settings,
        claim: &'p dyn Fn(&Settings) -> Result<(), String>,
    ) -> Self {
        Self { settings, claim }
    }

    /// The configuration.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The platform, for commands that need a database or the bus. Where data lies in a folder, the
    /// folder is claimed first: this fails while a server uses it.
    pub fn open(self) -> Result<Platform, String> {
        (self.claim)(&self.settings)?;
        Platform::open(self.settings).map_err(|error| error.to_string())
    }
}
