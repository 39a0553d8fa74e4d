//! The user service as a process of its own.

use std::process::ExitCode;

use common::lifecycle;

#[tokio::main]
async fn main() -> ExitCode {
    lifecycle::main(contracts::Service::User, async |platform| {
        Ok(vec![marca_user::build(platform).await?])
    })
    .await
}
