//! schemathesis in a Python environment of its own, made once.

use super::ours;
use crate::failure::Failure;
use crate::python;
use std::path::PathBuf;

/// Every package with its version, so that a run of tomorrow is a run of today.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The path of `st`; installs it when it is missing or another version is asked for.
pub(super) fn schemathesis() -> Result<PathBuf, Failure> {
    let folder = ours("venv");
    python::environment(&folder, REQUIREMENTS)?;
    Ok(folder.join("bin/st"))
}
