//! The user service as a process of its own.

use common::{Platform, lifecycle};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let build = async |platform: &Platform| Ok(vec![marca_user::build(platform).await?]);
    lifecycle::main_with::<marca_user::UserCommand, _>(contracts::Service::User, build).await
}
