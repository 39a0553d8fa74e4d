//! The tenant service as a process of its own.

use common::{Platform, lifecycle};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let build = async |platform: &Platform| Ok(vec![marca_tenant::build(platform).await?]);
    lifecycle::main(contracts::Service::Tenant, build).await
}
