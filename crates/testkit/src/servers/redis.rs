//! A throw-away Redis.

use super::process::{Launch, exchange};
use super::{Exit, Process, ServerError, WorkDir, ports, tools};
use nix::sys::signal::Signal;
use std::sync::OnceLock;
use std::time::Duration;

const READY: Duration = Duration::from_secs(15);
const STOP: Duration = Duration::from_secs(10);

/// What survives a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// Nothing: a killed Redis comes back empty.
    None,
    /// An append-only file, synced every second, as in production.
    AppendOnly,
}

/// A Redis of our own on 127.0.0.1; stopped when dropped.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    launch: Launch,
    port: u16,
    _folder: WorkDir,
}

impl Redis {
    /// Starts one on a free port and waits until it answers.
    pub fn start(persistence: Persistence) -> Result<Self, ServerError> {
        tools::ensure_installed()?;
        let folder = WorkDir::new("redis")?;
        let port = ports::free_port();
        let append = if persistence == Persistence::AppendOnly { "yes" } else { "no" };
        let (port_text, dir) = (port.to_string(), folder.path().display().to_string());
        let arguments = [
            ["--port", &port_text],
            ["--bind", "127.0.0.1"],
            ["--dir", &dir],
            ["--save", ""],
            ["--appendonly", append],
            ["--appendfsync", "everysec"],
            ["--maxmemory-policy", "noeviction"],
            ["--daemonize", "no"],
        ];
        let launch = Launch {
            name: format!("redis:{port}"),
            program: tools::require("redis-server")?,
            arguments: arguments.concat().into_iter().map(str::to_owned).collect(),
            environment: Vec::new(),
            log: folder.path().join("redis.log"),
            user: None,
            orphan_signal: "KILL",
        };
        let process = ready(&launch, port)?;
        Ok(Self { process, launch, port, _folder: folder })
    }

    /// `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port, the same after every restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `kill -9`; without persistence everything is lost.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGTERM, and a bounded wait for the end.
    pub fn stop(&mut self) -> Result<Exit, ServerError> {
        self.process.stop(Signal::SIGTERM, STOP)
    }

    /// Starts it again on the same port after [`Redis::kill`] or [`Redis::stop`].
    pub fn restart(&mut self) -> Result<(), ServerError> {
        self.process.kill();
        self.process = ready(&self.launch, self.port)?;
        Ok(())
    }

    /// SIGSTOP: connections stay open and nothing answers.
    pub fn pause(&self) {
        self.process.signal(Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.process.signal(Signal::SIGCONT);
    }

    /// Its process, for its id and log.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

fn ready(launch: &Launch, port: u16) -> Result<Process, ServerError> {
    let mut process = Process::start(launch)?;
    process.wait_ready(READY, || {
        exchange(port, b"PING\r\n").is_some_and(|answer| answer.starts_with("+PONG"))
    })?;
    Ok(process)
}

/// The Redis that the tests of a run share: `TEST_REDIS_URL`, or one of this process's own.
///
/// Share it only through key names of your own (a random prefix or stream name), and never stop
/// it.
///
/// # Panics
/// When it cannot be started.
pub fn shared() -> &'static str {
    static SHARED: OnceLock<(String, Option<Redis>)> = OnceLock::new();
    let (url, _) = SHARED.get_or_init(|| match super::env("TEST_REDIS_URL") {
        Some(url) => (url, None),
        None => match Redis::start(Persistence::None) {
            Ok(redis) => (redis.url(), Some(redis)),
            Err(error) => panic!("cannot start Redis: {error}"),
        },
    });
    url
}
