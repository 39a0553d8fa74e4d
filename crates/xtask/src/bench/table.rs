//! The table of a benchmark.

use super::load::Load;

/// One measured thing beside its reference.
pub(crate) struct Row {
    what: String,
    ours: Load,
    reference_name: &'static str,
    reference: Load,
    target: f64,
}

impl Row {
    pub(crate) fn new(
        what: String,
        ours: Load,
        reference_name: &'static str,
        reference: Load,
        target: f64,
    ) -> Self {
        Self { what, ours, reference_name, reference, target }
    }
}

/// Prints Markdown.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "| what | per second | p50 ms | p99 ms | reference | per second | p50 ms | p99 ms | ratio | target | errors |"
    );
    println!("|---|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|");
    for Row { what, ours, reference_name, reference, target } in rows {
        println!(
            "| {what} | {:.0} | {:.1} | {:.1} | {reference_name} | {:.0} | {:.1} | {:.1} | **{:.2}** | {target:.2} | {} |",
            ours.per_second,
            ours.p50,
            ours.p99,
            reference.per_second,
            reference.p50,
            reference.p99,
            ours.per_second / reference.per_second,
            ours.errors + reference.errors,
        );
    }
}
