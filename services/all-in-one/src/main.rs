//! Every service in one process: `cargo run`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    Box::pin(common::lifecycle::run(marca::Embedded::default())).await
}
