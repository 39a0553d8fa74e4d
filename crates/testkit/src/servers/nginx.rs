//! A throw-away nginx that runs the gateway's configuration.

use super::process::{Launch, http_status};
use super::{Exit, Process, ServerError, WorkDir, ports, tools};
use crate::gateway::{self, Rate, Settings, Upstream};
use nix::sys::signal::Signal;
use std::process::Command;
use std::time::Duration;

const READY: Duration = Duration::from_secs(15);
const STOP: Duration = Duration::from_secs(10);

/// An nginx of our own on 127.0.0.1; stopped when dropped.
#[derive(Debug)]
pub struct Nginx {
    process: Process,
    port: u16,
    folder: WorkDir,
}

impl Nginx {
    /// Starts the gateway in front of `upstreams`, with rates that no test reaches.
    pub fn start(upstreams: Vec<Upstream>) -> Result<Self, ServerError> {
        Self::start_with(upstreams, |_| {})
    }

    /// The same, with settings changed by `adjust`; paths and the port are not to be changed.
    pub fn start_with(
        upstreams: Vec<Upstream>,
        adjust: impl FnOnce(&mut Settings),
    ) -> Result<Self, ServerError> {
        tools::ensure_installed()?;
        let folder = WorkDir::new("nginx")?;
        let port = ports::free_port();
        let mut settings = settings(&folder, port, upstreams);
        adjust(&mut settings);
        std::fs::create_dir_all(&settings.temp).map_err(ServerError::io("create temp"))?;
        folder.write("routes.conf", &gateway::routes())?;
        folder.write("environment.conf", gateway::environment(&settings))?;
        folder.write("index.html", &contracts::landing::html())?;
        let conf = folder.write("nginx.conf", &gateway::render(&settings))?.display().to_string();
        let prefix = folder.path().display().to_string();
        let program = tools::require("nginx")?;
        tools::run(Command::new(&program).args(["-t", "-q", "-p", &prefix, "-c", &conf]))?;
        let daemon = "daemon off;";
        let launch = Launch {
            name: format!("nginx:{port}"),
            program,
            arguments: ["-p", &prefix, "-c", &conf, "-g", daemon].map(str::to_owned).to_vec(),
            environment: Vec::new(),
            log: folder.path().join("error.log"),
            user: None,
            // A fast shutdown: KILL would leave the workers behind.
            orphan_signal: "TERM",
        };
        let mut process = Process::start(&launch)?;
        process.wait_ready(READY, || http_status(port, "/health") == Some(200))?;
        Ok(Self { process, port, folder })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The access lines so far.
    pub fn access_log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default()
    }

    /// SIGTERM, and a bounded wait for the end.
    pub fn stop(&mut self) -> Result<Exit, ServerError> {
        self.process.stop(Signal::SIGTERM, STOP)
    }

    /// Its process, for its id and log.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master stops its workers; a killed one would leave them.
        let _ = self.stop();
    }
}

fn settings(folder: &WorkDir, port: u16, upstreams: Vec<Upstream>) -> Settings {
    let path = |name: &str| folder.path().join(name).display().to_string();
    let unlimited = Rate { per_second: 100_000, burst: 100_000 };
    Settings {
        listen: format!("127.0.0.1:{port}"),
        workers: "2".to_owned(),
        pid: path("nginx.pid"),
        temp: path("temp"),
        access_log: path("access.log"),
        html: folder.path().display().to_string(),
        routes: path("routes.conf"),
        environment: path("environment.conf"),
        by_ip: unlimited,
        resolver: None,
        upstreams,
        ..Settings::compose()
    }
}
