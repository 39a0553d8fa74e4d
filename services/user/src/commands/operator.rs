//! `create-operator`, `disable-operator`, `enable-operator`: the only ways to and from the authority
//! over the whole platform. A password never stands on the command line, where others could read it.

use std::io::{BufRead, IsTerminal as _, Write as _};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::Platform;
use common::lifecycle::{Bench, say};
use common::platform::Assembly;
use uuid::Uuid;

use crate::app::Users;
use crate::store::Migrator;

/// Makes an operator; what a test does in place of the command.
pub async fn create_operator(
    platform: &Platform,
    email: &str,
    name: &str,
    password: &str,
) -> Result<Uuid, String> {
    let users = users(platform).await?;
    let made = users.create_operator(email, name, password).await;
    users.database.close().await;
    made.map_err(|error| error.to_string())
}

/// Switches an operator off or on again; what a test does in place of the command.
pub async fn switch_operator(
    platform: &Platform,
    email: &str,
    active: bool,
) -> Result<Uuid, String> {
    let users = users(platform).await?;
    let switched = users.switch_operator(email, active).await;
    users.database.close().await;
    switched.map_err(|error| error.to_string())
}

/// The use cases, on a database that has its tables.
async fn users(platform: &Platform) -> Result<Users, String> {
    let opened = Assembly::open(platform, contracts::Service::User).await;
    let assembly = opened.map_err(|error| error.to_string())?;
    if platform.settings.auto_migrate {
        let migrated = assembly.database.migrate::<Migrator>().await;
        migrated.map_err(|error| format!("could not migrate: {error}"))?;
    }
    crate::users(platform, &assembly).map_err(|error| error.to_string())
}

pub(super) async fn create(
    bench: Bench<'_>,
    email: &str,
    name: &str,
    generate: bool,
) -> Result<ExitCode, String> {
    let password = if generate { generated() } else { given()? };
    let platform = bench.open()?;
    let id = create_operator(&platform, email, name, &password).await?;
    say(&format!("operator {id} made"));
    if generate {
        say(&format!("password (shown this once): {password}"));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn switch(
    bench: Bench<'_>,
    email: &str,
    active: bool,
) -> Result<ExitCode, String> {
    let platform = bench.open()?;
    let id = switch_operator(&platform, email, active).await?;
    say(&format!("operator {id} is {}", if active { "active" } else { "disabled" }));
    Ok(ExitCode::SUCCESS)
}

/// 144 random bits, and a digit and a letter for whatever rule asks for them.
fn generated() -> String {
    let random: [u8; 18] = rand::random();
    format!("{}-m7", URL_SAFE_NO_PAD.encode(random))
}

/// The password of `OPERATOR_PASSWORD`, else a line of standard input.
fn given() -> Result<String, String> {
    #[expect(clippy::disallowed_methods, reason = "a secret of one command is no setting")]
    let variable = std::env::var("OPERATOR_PASSWORD").ok().filter(|value| !value.is_empty());
    if let Some(password) = variable {
        return Ok(password);
    }
    let input = std::io::stdin();
    if input.is_terminal() {
        let _ = write!(std::io::stderr(), "Password (it shows as you type): ");
    }
    line(input.lock())
}

fn line(input: impl BufRead) -> Result<String, String> {
    let mut text = String::new();
    let read = input.take(1_024).read_line(&mut text);
    read.map_err(|error| format!("reading the password: {error}"))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(
            "no password: give it by OPERATOR_PASSWORD, as a line on standard input, or let \
                    --generate make one"
                .to_owned(),
        );
    }
    Ok(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_and_nothing_is_none() {
        assert_eq!(line(&b"correct horse 1\r\nrest"[..]).unwrap(), "correct horse 1");
        assert_eq!(line(&b" kept as it is 1"[..]).unwrap(), " kept as it is 1");
        assert!(line(&b"\n"[..]).is_err() && line(&b""[..]).is_err());
    }

    #[test]
    fn a_generated_password_is_long_mixed_and_never_the_same() {
        let password = generated();
        assert!(password.len() >= 24 && password != generated());
        assert!(password.chars().any(|sign| sign.is_ascii_digit()));
    }
}
