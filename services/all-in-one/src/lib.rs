//! Marca in one process: the four services behind the gateway's own route table, `SQLite` files and an
//! in-process bus unless configured otherwise.

mod demo;
mod folder;
mod root;

use std::net::SocketAddr;
use std::sync::Mutex;

use axum::Router;
use common::lifecycle::{Cli, Program, Running};
use common::platform::{BuildError, Platform, Service};
use common::settings::{AuthMode, Environment, LogFormat, Settings, Topology};

pub use root::root;

/// Builds the four services.
pub async fn assemble(platform: &Platform) -> Result<Vec<Service>, BuildError> {
    Ok(vec![
        Box::pin(marca_tenant::build(platform)).await?,
        Box::pin(marca_user::build(platform)).await?,
        Box::pin(marca_resource::build(platform)).await?,
        Box::pin(marca_booking::build(platform)).await?,
    ])
}

/// The all-in-one as a [`Program`].
#[derive(Debug, Default)]
pub struct Embedded {
    /// Held while the process lives: a second one on the same folder is refused.
    lock: Mutex<Option<std::fs::File>>,
}

impl Program for Embedded {
    /// Only the user service has any so far; another one's would be flattened into an enum with it.
    type Own = marca_user::UserCommand;

    fn topology(&self) -> Topology {
        Topology::Embedded
    }

    fn before(&self, settings: &Settings) -> Result<(), String> {
        let lock = folder::claim(&settings.data_dir)?;
        *self.lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(lock);
        Ok(())
    }

    async fn build(&self, platform: &Platform) -> Result<Vec<Service>, BuildError> {
        assemble(platform).await
    }

    fn root(&self, platform: &Platform, services: &[Service]) -> Router {
        root(platform, services)
    }

    async fn started(
        &self,
        cli: &Cli,
        platform: &Platform,
        running: &Running,
        address: SocketAddr,
    ) -> Result<(), String> {
        let demo = if cli.no_demo || platform.settings.environment == Environment::Production {
            None
        } else {
            demo::seed(running.router(root(platform, running.services()))).await?
        };
        let host = if address.ip().is_loopback() {
            "localhost".to_owned()
        } else {
            address.ip().to_string()
        };
        let base = format!("http://{host}:{}", address.port());
        let mut lines = vec![format!("Marca is at {base}")];
        for service in running.services() {
            let docs = service.name.docs();
            lines.push(format!("  {:<10} {base}/api-docs/{docs}", service.name.name()));
        }
        lines.push(format!("Data is in {}", platform.settings.data_dir.display()));
        if platform.settings.auth_mode == AuthMode::Optional {
            lines.push("Auth is open: a request without a token may do everything. AUTH_MODE=required closes it.".to_owned());
        }
        lines.extend(demo);
        if platform.settings.log_format == LogFormat::Json {
            tracing::info!(address = base, "{}", lines.join(" · "));
        } else {
            announce(&lines);
        }
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "what a person who starts the program is told")]
fn announce(lines: &[String]) {
    for line in lines {
        println!("{line}");
    }
}
