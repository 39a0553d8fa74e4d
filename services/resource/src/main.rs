//! The resource service as a process of its own.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let build =
        async |platform: &common::Platform| Ok(vec![marca_resource::build(platform).await?]);
    common::lifecycle::main(contracts::Service::Resource, build).await
}
