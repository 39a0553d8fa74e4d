//! Finding the programs the servers need, and installing them on Debian.

use super::{ServerError, env};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A program of a Debian package.
#[derive(Debug, Clone, Copy)]
struct Tool {
    program: &'static str,
    package: &'static str,
}

/// What the tests need from the machine. Debian's `postgresql` is the newest it has.
const TOOLS: [Tool; 3] = [
    Tool { program: "initdb", package: "postgresql" },
    Tool { program: "redis-server", package: "redis-server" },
    Tool { program: "nginx", package: "nginx-light" },
];

/// Where Debian and others put programs that are not on everybody's `PATH`.
const EXTRA: [&str; 5] =
    ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/// Finds Postgres, Redis and nginx, or installs what is missing with `apt-get` (as root on a
/// Debian-like system); otherwise says exactly what is missing and how to get it.
///
/// The answer is remembered for the life of the process.
pub fn ensure_installed() -> Result<(), ServerError> {
    static DONE: OnceLock<()> = OnceLock::new();
    if DONE.get().is_some() {
        return Ok(());
    }
    let missing: Vec<Tool> =
        TOOLS.into_iter().filter(|tool| find_program(tool.program).is_none()).collect();
    if !missing.is_empty() {
        install(&missing)?;
    }
    for tool in missing {
        require(tool.program)?;
    }
    DONE.get_or_init(|| ());
    Ok(())
}

/// The path of `program`, or an error that says how to get it.
pub(crate) fn require(program: &'static str) -> Result<PathBuf, ServerError> {
    find_program(program).ok_or_else(|| {
        let packages: Vec<&str> =
            TOOLS.iter().filter(|tool| tool.program == program).map(|tool| tool.package).collect();
        ServerError::Missing { program, advice: advice(&packages) }
    })
}

/// A program of Postgres, from the folder that holds all of them: a lone link to `initdb` somewhere
/// on `PATH` has no `postgres` beside it.
pub(crate) fn postgres_program(program: &'static str) -> Result<PathBuf, ServerError> {
    let initdb = require("initdb")?;
    let initdb = initdb.canonicalize().map_err(ServerError::io("follow the link to initdb"))?;
    Ok(initdb.with_file_name(program))
}

/// Looks for `program` on `PATH`, in the usual folders of system programs, and in the folders of
/// Postgres (the newest version wins).
pub fn find_program(program: &str) -> Option<PathBuf> {
    let path = env("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>().into_iter();
    on_path
        .chain(EXTRA.iter().map(PathBuf::from))
        .chain(postgres_folders())
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

fn postgres_folders() -> Vec<PathBuf> {
    let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") else { return Vec::new() };
    let mut folders: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    folders.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    folders.into_iter().map(|(_, folder)| folder).collect()
}

fn install(missing: &[Tool]) -> Result<(), ServerError> {
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    let possible = nix::unistd::geteuid().is_root() && Path::new("/usr/bin/apt-get").exists();
    if !possible {
        return Err(ServerError::Missing {
            program: missing[0].program,
            advice: advice(&packages),
        });
    }
    run(apt_get().args(["update", "-qq"]))?;
    run(apt_get().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&packages))
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    // Run level 1 keeps Debian from starting system-wide servers that nobody here uses.
    command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    command
}

fn advice(packages: &[&str]) -> String {
    format!(
        "Install it and try again. Debian, Ubuntu: sudo apt-get install {}. macOS: brew install \
         postgresql@15 redis nginx. Anywhere else: any PostgreSQL 15+, Redis 7+ and nginx 1.22+ \
         on PATH.",
        packages.join(" ")
    )
}

/// Runs a helper to its end; its output is only kept for the error.
pub(crate) fn run(command: &mut Command) -> Result<(), ServerError> {
    let shown = format!("{command:?}");
    let output = command.output().map_err(ServerError::io(format!("run {shown}")))?;
    if output.status.success() {
        return Ok(());
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(ServerError::Command { command: shown, output: text })
}
