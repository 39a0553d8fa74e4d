//! `cargo xtask bench`: measures, and prints one table. Never part of `cargo xtask test`.

use crate::failure::Failure;

/// Runs the benchmarks against release builds and a Postgres of their own.
pub(crate) fn run() -> Result<(), Failure> {
    Err(Failure::new("the benchmark is not built yet"))
}
