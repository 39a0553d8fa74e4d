//! `keys`: what a person does with the keys of access tokens.

use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Subcommand;
use common::Clock as _;
use common::clock::SystemClock;
use common::lifecycle::say;
use common::settings::{Settings, SigningKey};

use crate::app::{Signer, rotate_keys};

/// What can be done with the keys.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Name the keys, newest first, and what each is for; never their private half.
    List,
    /// Put a fresh key in front; running services follow by themselves.
    Rotate {
        /// Drop every other key at once, with all tokens they signed: for a key that became known.
        #[arg(long)]
        drop_old: bool,
    },
}

/// Runs beside a server: it touches only the key file.
pub(super) fn run(action: &Action, settings: &Settings) -> Result<ExitCode, String> {
    match action {
        Action::List => list(settings),
        Action::Rotate { drop_old } => rotate(settings, *drop_old),
    }
}

fn list(settings: &Settings) -> Result<ExitCode, String> {
    let signer = Signer::of_what_is_there(settings).map_err(|error| error.to_string())?;
    for key in signer.told() {
        let shown = |made: DateTime<Utc>| made.to_rfc3339_opts(SecondsFormat::Secs, true);
        let made = key.made.map_or_else(|| "unknown".to_owned(), shown);
        let role = if key.signs { "signs" } else { "verifies only" };
        say(&format!("{} made={made} {role}", key.kid));
    }
    Ok(ExitCode::SUCCESS)
}

/// What to do where the keys are not in a file.
const BY_HAND: &str = "\
SIGNING_KEY_PEM holds the keys, so they cannot be changed from here. Make a key with
  openssl genpkey -algorithm ed25519
and put its block in front of the one that is there; restart the user service. With several replicas
put it behind first, restart them all, then put it in front and restart again. Take the old block out an
hour later. SIGNING_KEY_FILE instead of SIGNING_KEY_PEM lets `keys rotate` do all this without a restart.";

fn rotate(settings: &Settings, drop_old: bool) -> Result<ExitCode, String> {
    let path = match &settings.signing_key {
        SigningKey::Pem(_) => return Err(BY_HAND.to_owned()),
        SigningKey::File(path) => path,
    };
    let done = rotate_keys(path, drop_old, SystemClock.now()).map_err(|error| error.to_string())?;
    say(&format!("{} new", done.fresh));
    for kid in done.kept {
        say(&format!("{kid} verifies only, soon"));
    }
    for kid in done.dropped {
        say(&format!("{kid} dropped"));
    }
    Ok(ExitCode::SUCCESS)
}
