//! The tenant service as a process of its own.

use std::process::ExitCode;

use common::lifecycle;

#[tokio::main]
async fn main() -> ExitCode {
    lifecycle::main(contracts::Service::Tenant, async |platform| {
        Ok(vec![marca_tenant::build(platform).await?])
    })
    .await
}
