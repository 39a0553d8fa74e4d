//! Python environments of our own with pinned packages, made once each under `target`.

use crate::failure::Failure;
use crate::shell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What series and calendar files are compared with, and nothing else.
const REFERENCES: &str = include_str!("../../scheduling/tests/it/requirements.txt");

/// The Python of the tests that compare with python-dateutil, or have files read by icalendar.
pub(crate) fn with_references() -> Result<PathBuf, Failure> {
    let folder = shell::root().join("target/python");
    environment(&folder, REFERENCES)?;
    Ok(folder.join("bin/python"))
}

/// Makes the environment, unless it is there with exactly these packages.
pub(crate) fn environment(folder: &Path, requirements: &str) -> Result<(), Failure> {
    let stamp = folder.join("requirements.txt");
    let same = fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirements);
    if same && folder.join("bin/python").is_file() {
        return Ok(());
    }
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)?;
    make(folder)?;
    let wanted = folder.join("wanted.txt");
    fs::write(&wanted, requirements)?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&wanted);
    shell::run(&mut pip)?;
    fs::rename(&wanted, &stamp)?;
    Ok(())
}

/// Debian keeps `venv` in a package of its own, which is installed where that is allowed.
fn make(folder: &Path) -> Result<(), Failure> {
    let venv = || shell::run(Command::new("python3").args(["-m", "venv"]).arg(folder));
    if venv().is_ok() {
        return Ok(());
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        shell::run(command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
    };
    let install = ["install", "-y", "-qq", "--no-install-recommends", "python3-venv"];
    let installed = apt(&["update", "-qq"]).and_then(|()| apt(&install));
    installed.and_then(|()| venv()).map_err(|error| {
        Failure::new(format!("python3 with venv is needed (Debian: python3-venv): {error}"))
    })
}
