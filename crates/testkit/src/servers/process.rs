//! A child process with a log, bounded stops, and the signals of the fault tests.

use super::tools::find_program;
use super::{ServerError, spawner};
use crate::wait::{Seen, blocking};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How much of a log an error quotes, in bytes.
const LOG_TAIL: usize = 4_000;

/// How to start a process.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// What messages call it.
    pub(crate) name: String,
    /// The program.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// Its whole environment, beside `PATH`, `HOME` and the like.
    pub(crate) environment: Vec<(String, String)>,
    /// Where its output goes; appended to, so a restart keeps the earlier log.
    pub(crate) log: PathBuf,
    /// The user and group to run as, instead of ours.
    pub(crate) user: Option<(u32, u32)>,
    /// What it is sent when the test process dies: KILL, or what stops its own children too.
    pub(crate) orphan_signal: &'static str,
}

/// How a process ended.
#[derive(Debug, Clone, Copy)]
pub struct Exit {
    /// Its status.
    pub status: ExitStatus,
    /// Whether it had to be killed because it did not end in time.
    pub forced: bool,
    /// How long it took from the signal.
    pub took: Duration,
}

/// A running child. Dropping it kills it and waits for it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts what `launch` describes, with its output in the log file.
    pub(crate) fn start(launch: &Launch) -> Result<Self, ServerError> {
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&launch.log)
            .map_err(ServerError::io(format!("open {}", launch.log.display())))?;
        let errors = output.try_clone().map_err(ServerError::io("share the log file"))?;
        let mut command = wrapped(&launch.program, launch.orphan_signal);
        command.args(&launch.arguments).env_clear().stdin(Stdio::null());
        for name in ["PATH", "HOME", "LANG", "TMPDIR", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"] {
            if let Some(value) = super::env(name) {
                command.env(name, value);
            }
        }
        command.envs(launch.environment.iter().map(|(name, value)| (name, value)));
        command.stdout(output).stderr(errors);
        // A terminal's Ctrl-C reaches the test process, which then stops its children itself.
        command.process_group(0);
        if let Some((user, group)) = launch.user {
            command.uid(user).gid(group);
        }
        let child = spawner::spawn(command)
            .map_err(ServerError::io(format!("start {}", launch.program.display())))?;
        Ok(Self { name: launch.name.clone(), child, log: launch.log.clone() })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has printed so far.
    pub fn log_text(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends `signal`; one that reaches no process is no error.
    pub fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// `kill -9`, and waits for the end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends `signal` and waits at most `timeout` for the end, then kills.
    pub fn stop(&mut self, signal: Signal, timeout: Duration) -> Result<Exit, ServerError> {
        let began = Instant::now();
        self.signal(signal);
        let waited = blocking(timeout, || match self.child.try_wait() {
            Ok(Some(status)) => Seen::Ready(status),
            Ok(None) => Seen::NotYet,
            Err(error) => Seen::Hopeless(error),
        });
        let (status, forced) = match waited {
            Some(Ok(status)) => (Ok(status), false),
            Some(Err(error)) => (Err(error), false),
            None => {
                let _ = self.child.kill();
                (self.child.wait(), true)
            }
        };
        let status = status.map_err(ServerError::io(format!("wait for {}", self.name)))?;
        Ok(Exit { status, forced, took: began.elapsed() })
    }

    /// Waits at most `timeout` for it to end by itself, then kills it; `None` if it was killed.
    pub(crate) fn wait_end(
        &mut self,
        timeout: Duration,
    ) -> Result<Option<ExitStatus>, ServerError> {
        let waited = blocking(timeout, || match self.child.try_wait() {
            Ok(Some(status)) => Seen::Ready(status),
            Ok(None) => Seen::NotYet,
            Err(error) => Seen::Hopeless(error),
        });
        if waited.is_none() {
            self.kill();
        }
        waited.transpose().map_err(ServerError::io(format!("wait for {}", self.name)))
    }

    /// Polls `probe` until it holds, the process ends or `timeout` passes.
    pub(crate) fn wait_ready(
        &mut self,
        timeout: Duration,
        mut probe: impl FnMut() -> bool,
    ) -> Result<(), ServerError> {
        let waited = blocking(timeout, || match self.child.try_wait() {
            Ok(None) if probe() => Seen::Ready(()),
            Ok(None) => Seen::NotYet,
            Ok(Some(_)) | Err(_) => Seen::Hopeless("it ended"),
        });
        match waited {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(ServerError::Died { name: self.name.clone(), log: self.tail() }),
            None => {
                Err(ServerError::NotReady { name: self.name.clone(), timeout, log: self.tail() })
            }
        }
    }

    fn tail(&self) -> String {
        let text = self.log_text();
        let cut = (text.len().saturating_sub(LOG_TAIL)..=text.len())
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(0);
        text[cut..].to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The command, started through `setpriv` so that it cannot outlive us.
fn wrapped(program: &Path, orphan_signal: &str) -> Command {
    let Some(setpriv) = find_program("setpriv") else { return Command::new(program) };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", orphan_signal, "--"]).arg(program);
    command
}

/// One exchange with a server on 127.0.0.1: writes `request`, reads until it closes, at most a
/// kilobyte. `None` is any failure.
pub(crate) fn exchange(port: u16, request: &[u8]) -> Option<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let timeout = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, timeout).ok()?;
    stream.set_read_timeout(Some(timeout)).ok()?;
    stream.set_write_timeout(Some(timeout)).ok()?;
    stream.write_all(request).ok()?;
    let mut answer = [0_u8; 1024];
    let read = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[..read]).into_owned())
}

/// The status of `GET path` on 127.0.0.1, when there was an answer.
pub(crate) fn http_status(port: u16, path: &str) -> Option<u16> {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    exchange(port, request.as_bytes())?.split(' ').nth(1)?.parse().ok()
}
