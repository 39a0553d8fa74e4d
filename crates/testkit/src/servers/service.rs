//! A service of this workspace as a process of its own.

use super::process::{Launch, http_status};
use super::{Exit, Process, ServerError, WorkDir, ports};
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

const READY: Duration = Duration::from_mins(1);

/// Describes a service before it is started.
#[derive(Debug)]
pub struct ServiceCommand {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    port: u16,
    ready_timeout: Duration,
}

impl ServiceCommand {
    /// A service called `name` in messages, whose program is at `program`; see [`binary`].
    ///
    /// It gets a free port, 127.0.0.1, and no variable of our own environment beside `PATH` and
    /// the like.
    pub fn new(name: &str, program: impl Into<PathBuf>) -> Self {
        Self {
            name: name.to_owned(),
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            port: ports::free_port(),
            ready_timeout: READY,
        }
    }

    /// Sets a variable of its environment; a later value wins.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Appends an argument.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Uses `port` instead of the free one; to be known before the service starts.
    #[must_use]
    pub fn on_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// How long [`ServiceCommand::start`] waits for `/ready`; a minute unless told.
    #[must_use]
    pub fn ready_within(mut self, timeout: Duration) -> Self {
        self.ready_timeout = timeout;
        self
    }

    /// The port it will listen on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs it to its end with `arguments` (`migrate up`, `--version`) and returns what it
    /// printed.
    pub fn run(&self, arguments: &[&str]) -> Result<Output, ServerError> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().envs(self.variables());
        command.output().map_err(ServerError::io(format!("run {}", self.program.display())))
    }

    /// Runs it to its end, with its arguments, and at most for `timeout`; for commands and for
    /// starts that shall be refused.
    pub fn finish(self, timeout: Duration) -> Result<Finished, ServerError> {
        let mut service = self.start_unready()?;
        let ended = service.process.wait_end(timeout)?;
        Ok(Finished { code: ended.and_then(|status| status.code()), output: service.log_text() })
    }

    /// Starts it and waits until `/ready` answers 200.
    pub fn start(self) -> Result<ServiceProcess, ServerError> {
        let mut service = self.start_unready()?;
        service.wait_ready(service.ready_timeout)?;
        Ok(service)
    }

    /// Starts it and does not wait: for services that shall not become ready.
    pub fn start_unready(self) -> Result<ServiceProcess, ServerError> {
        let folder = WorkDir::new(&self.name)?;
        let launch = Launch {
            name: format!("{}:{}", self.name, self.port),
            environment: self.variables(),
            arguments: self.arguments,
            program: self.program,
            log: folder.path().join("service.log"),
            user: None,
            orphan_signal: "KILL",
        };
        let process = Process::start(&launch)?;
        let (port, ready_timeout) = (self.port, self.ready_timeout);
        Ok(ServiceProcess { process, launch, port, ready_timeout, folder })
    }

    fn variables(&self) -> Vec<(String, String)> {
        let own = [("APP_HOST", "127.0.0.1".to_owned()), ("APP_PORT", self.port.to_string())];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        own.chain(self.environment.iter().cloned()).collect()
    }
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Its exit code; `None` if it was killed, also because it did not end in time.
    pub code: Option<i32>,
    /// Everything it printed, on either stream.
    pub output: String,
}

/// A running service; killed when dropped.
#[derive(Debug)]
pub struct ServiceProcess {
    process: Process,
    launch: Launch,
    port: u16,
    ready_timeout: Duration,
    folder: WorkDir,
}

impl ServiceProcess {
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port, the same after every restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A folder of its own that lives as long as it does.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGTERM, and at most `timeout` for the end; then it is killed and the answer says so.
    pub fn terminate(&mut self, timeout: Duration) -> Result<Exit, ServerError> {
        self.process.stop(Signal::SIGTERM, timeout)
    }

    /// Kills it if it still runs, starts it again on the same port and waits for `/ready`.
    pub fn restart(&mut self) -> Result<(), ServerError> {
        self.process.kill();
        self.process = Process::start(&self.launch)?;
        self.wait_ready(self.ready_timeout)
    }

    /// Waits until `/ready` answers 200.
    pub fn wait_ready(&mut self, timeout: Duration) -> Result<(), ServerError> {
        let port = self.port;
        self.process.wait_ready(timeout, || http_status(port, "/ready") == Some(200))
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

    /// Everything it has printed so far, over all restarts.
    pub fn log_text(&self) -> String {
        self.process.log_text()
    }
}

/// The path of the workspace's binary `name` (`marca-booking`), in the folder this test binary was
/// built into.
pub fn binary(name: &str) -> Result<PathBuf, ServerError> {
    let own = std::env::current_exe().map_err(ServerError::io("find the test binary"))?;
    let mut folder = own.parent().unwrap_or(Path::new("."));
    if folder.ends_with("deps") {
        folder = folder.parent().unwrap_or(folder);
    }
    let path = folder.join(name);
    if path.is_file() { Ok(path) } else { Err(ServerError::NotBuilt(path)) }
}
