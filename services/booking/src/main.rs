//! The booking service as a process of its own.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let build = async |platform: &common::Platform| Ok(vec![marca_booking::build(platform).await?]);
    common::lifecycle::main(contracts::Service::Booking, build).await
}
