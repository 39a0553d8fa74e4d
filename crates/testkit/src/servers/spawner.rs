//! One thread that starts every child.
//!
//! The kernel sends the parent-death signal when the *thread* that forked ends, not the process.
//! `cargo test` runs each test in a thread of its own, so a shared server started by the first
//! test would die with that test.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};

struct Request {
    command: Command,
    answer: Sender<io::Result<Child>>,
}

static SPAWNER: LazyLock<Mutex<Sender<Request>>> = LazyLock::new(|| {
    let (sender, requests) = channel::<Request>();
    std::thread::spawn(move || {
        for Request { mut command, answer } in requests {
            let _ = answer.send(command.spawn());
        }
    });
    Mutex::new(sender)
});

/// Starts `command` from the thread that lives as long as this process.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    let (answer, child) = channel();
    let gone = || io::Error::other("the spawning thread is gone");
    SPAWNER
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send(Request { command, answer })
        .map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}
