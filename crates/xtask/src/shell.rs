//! Running other programs from the root of the workspace.

use crate::failure::Failure;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Reads an environment variable; an empty one counts as unset.
#[allow(clippy::disallowed_methods, reason = "a command-line tool is steered by its environment")]
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    command.current_dir(root());
    command
}

/// Runs to the end, output on ours.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    println!("$ {}", shown(command));
    if command.status()?.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("{} failed", shown(command))))
    }
}

/// Runs to the end and returns standard output.
pub(crate) fn capture(command: &mut Command) -> Result<String, Failure> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(Failure::new(format!("{} failed", shown(command))))
    }
}

/// Runs to the end, passing each line of standard output on and showing it to `look`.
pub(crate) fn watch(command: &mut Command, mut look: impl FnMut(&str)) -> Result<(), Failure> {
    println!("$ {}", shown(command));
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            look(&line);
        }
    }
    if child.wait()?.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("{} failed", shown(command))))
    }
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    command
        .get_args()
        .fold(name.into_owned(), |text, argument| format!("{text} {}", argument.to_string_lossy()))
}
