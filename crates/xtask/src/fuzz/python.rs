//! schemathesis in a Python environment of its own, made once.

use super::ours;
use crate::failure::Failure;
use crate::shell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every package with its version, so that a run of tomorrow is a run of today.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The path of `st`; installs it when it is missing or another version is asked for.
pub(super) fn schemathesis() -> Result<PathBuf, Failure> {
    let (folder, stamp) = (ours("venv"), ours("venv/requirements.txt"));
    let st = folder.join("bin/st");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) && st.is_file() {
        return Ok(st);
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    environment(&folder)?;
    let wanted = ours("requirements.txt");
    fs::write(&wanted, REQUIREMENTS)?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&wanted);
    shell::run(&mut pip)?;
    fs::rename(&wanted, &stamp)?;
    Ok(st)
}

/// Debian keeps `venv` in a package of its own, which is installed where that is allowed.
fn environment(folder: &Path) -> Result<(), Failure> {
    let make = || shell::run(Command::new("python3").args(["-m", "venv"]).arg(folder));
    if make().is_ok() {
        return Ok(());
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        shell::run(command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
    };
    let install = ["install", "-y", "-qq", "--no-install-recommends", "python3-venv"];
    let installed = apt(&["update", "-qq"]).and_then(|()| apt(&install));
    installed.and_then(|()| make()).map_err(|error| {
        Failure::new(format!("python3 with venv is needed (Debian: python3-venv): {error}"))
    })
}
