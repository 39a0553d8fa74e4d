//! `keys`: what a person does with the keys of access tokens.

use std::process::ExitCode;

use clap::Subcommand;
use common::lifecycle::say;
use common::settings::Settings;

use crate::app::Signer;

/// What can be done with the keys.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Name the keys and what each is for; never their private half.
    List,
}

/// Runs beside a server: it touches only the key file.
pub(super) fn run(action: &Action, settings: &Settings) -> Result<ExitCode, String> {
    match action {
        Action::List => list(settings),
    }
}

fn list(settings: &Settings) -> Result<ExitCode, String> {
    let signer = Signer::load(settings).map_err(|error| error.to_string())?;
    for kid in signer.jwks().names() {
        say(kid);
    }
    Ok(ExitCode::SUCCESS)
}
