//! Throw-away servers: found on the machine or installed, started on free ports in a temporary
//! folder, and stopped by process id.
//!
//! Every process is started through `setpriv --pdeathsig` where util-linux provides it, so that
//! nothing survives a test run that is killed. A server that a test starts for itself may be
//! killed, paused and restarted at will; the shared ones ([`postgres::shared`],
//! [`redis::shared`]) must be left running.

pub mod nginx;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod redis;
pub mod service;
mod spawner;
pub mod tools;
mod workdir;

pub use nginx::Nginx;
pub use postgres::Postgres;
pub use process::{Exit, Process};
pub use redis::Redis;
pub use service::ServiceProcess;
pub use tools::ensure_installed;
pub use workdir::WorkDir;

use std::path::PathBuf;
use std::time::Duration;

/// Why a server could not be found, started or reached.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A program is not on this machine and could not be installed.
    #[error("{program} is missing. {advice}")]
    Missing {
        /// The program that was looked for.
        program: &'static str,
        /// What to do about it, in one line.
        advice: String,
    },
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A helper command such as `initdb` or `nginx -t` failed.
    #[error("{command} failed: {output}")]
    Command {
        /// The command.
        command: String,
        /// What it printed.
        output: String,
    },
    /// The process ended before it was ready.
    #[error("{name} ended before it was ready; its log ends with:\n{log}")]
    Died {
        /// The process.
        name: String,
        /// The last lines of its log.
        log: String,
    },
    /// The process did not become ready in time.
    #[error("{name} was not ready after {timeout:?}; its log ends with:\n{log}")]
    NotReady {
        /// The process.
        name: String,
        /// How long was waited.
        timeout: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// A binary of this workspace has not been built.
    #[error("{0} is not built; run: cargo build --workspace --bins")]
    NotBuilt(PathBuf),
}

impl ServerError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// Reads an environment variable; an empty one counts as unset.
#[allow(
    clippy::disallowed_methods,
    reason = "the test kit is configured by environment variables and nothing else"
)]
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
