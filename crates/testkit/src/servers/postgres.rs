//! A throw-away Postgres, and databases in it.

use super::process::{Launch, exchange};
use super::{Exit, Process, ServerError, WorkDir, ports, tools};
use nix::sys::signal::Signal;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbErr};
use std::os::unix::fs::chown;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const READY: Duration = Duration::from_mins(1);
const STOP: Duration = Duration::from_secs(20);

/// Whether commits survive a crash of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// `fsync` off: fast. Commits survive `kill -9` of the processes, which is all a test does.
    Fast,
    /// As in production: `fsync` and `synchronous_commit` on, 256 MB of buffers.
    Full,
}

/// A Postgres of our own on 127.0.0.1, trusting everybody; stopped when dropped.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    launch: Launch,
    port: u16,
    _folder: WorkDir,
}

impl Postgres {
    /// Creates a cluster, starts it on a free port and waits until it accepts connections.
    pub fn start(durability: Durability) -> Result<Self, ServerError> {
        tools::ensure_installed()?;
        let folder = WorkDir::new("postgres")?;
        let user = owner()?;
        let data = folder.path().join("data");
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid))
                .map_err(ServerError::io("hand the folder to the user postgres"))?;
        }
        init_cluster(&data, user)?;
        let port = ports::free_port();
        let launch = Launch {
            name: format!("postgres:{port}"),
            program: tools::postgres_program("postgres")?,
            arguments: arguments(&data, folder.path(), port, durability),
            environment: Vec::new(),
            log: folder.path().join("postgres.log"),
            user,
            // Immediate shutdown: unlike KILL it lets the server end its own children.
            orphan_signal: "QUIT",
        };
        let process = ready(&launch, port)?;
        Ok(Self { process, launch, port, _folder: folder })
    }

    /// The URL of the database `name`.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// The URL of the database `postgres`, from which others are created.
    pub fn admin_url(&self) -> String {
        self.url("postgres")
    }

    /// The port, the same after every restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `kill -9` of the server; its children notice and end.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// A fast shutdown: connections are cut, the cluster stays clean.
    pub fn stop(&mut self) -> Result<Exit, ServerError> {
        self.process.stop(Signal::SIGINT, STOP)
    }

    /// Starts it again on the same port and data after [`Postgres::kill`] or [`Postgres::stop`].
    pub fn restart(&mut self) -> Result<(), ServerError> {
        self.process.kill();
        let deadline = Instant::now() + STOP;
        loop {
            match ready(&self.launch, self.port) {
                Ok(process) => {
                    self.process = process;
                    return Ok(());
                }
                // The children of a killed server hold its shared memory until they notice.
                Err(ServerError::Died { .. }) if Instant::now() < deadline => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// SIGSTOP of the server process. Running connections go on; new ones hang.
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

impl Drop for Postgres {
    fn drop(&mut self) {
        // Immediate shutdown first: a killed server leaves its children to notice by themselves.
        self.process.signal(Signal::SIGCONT);
        let _ = self.process.stop(Signal::SIGQUIT, Duration::from_secs(5));
    }
}

/// The user to run as: Postgres refuses root.
fn owner() -> Result<Option<(u32, u32)>, ServerError> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    let user = nix::unistd::User::from_name("postgres").ok().flatten().ok_or_else(|| {
        let advice = "Postgres refuses to run as root and there is no such user.".to_owned();
        ServerError::Missing { program: "the user postgres", advice }
    })?;
    Ok(Some((user.uid.as_raw(), user.gid.as_raw())))
}

fn init_cluster(data: &std::path::Path, user: Option<(u32, u32)>) -> Result<(), ServerError> {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(tools::postgres_program("initdb")?);
    command.args(["-N", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-D"]);
    command.arg(data).current_dir("/");
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    tools::run(&mut command)
}

fn arguments(
    data: &std::path::Path,
    sockets: &std::path::Path,
    port: u16,
    durability: Durability,
) -> Vec<String> {
    let specific: &[&str] = match durability {
        Durability::Fast => &["fsync=off", "full_page_writes=off", "shared_buffers=128MB"],
        Durability::Full => &["fsync=on", "synchronous_commit=on", "shared_buffers=256MB"],
    };
    let port = format!("port={port}");
    let sockets = format!("unix_socket_directories={}", sockets.display());
    let common = ["listen_addresses=127.0.0.1", &port, &sockets, "max_connections=400"];
    let mut arguments = vec!["-D".to_owned(), data.display().to_string()];
    for setting in common.iter().chain(specific) {
        arguments.extend(["-c".to_owned(), (*setting).to_owned()]);
    }
    arguments
}

fn ready(launch: &Launch, port: u16) -> Result<Process, ServerError> {
    let mut process = Process::start(launch)?;
    process.wait_ready(READY, || accepts(port))?;
    Ok(process)
}

/// Whether it lets the user `postgres` in: a start-up message is answered with `R`, and with `E`
/// while the server is still recovering.
fn accepts(port: u16) -> bool {
    const PROTOCOL_3: [u8; 4] = [0, 3, 0, 0];
    let names = b"user\0postgres\0database\0postgres\0\0";
    let length = u32::try_from(names.len() + 8).unwrap_or_default().to_be_bytes();
    let hello = [&length[..], &PROTOCOL_3, names].concat();
    exchange(port, &hello).is_some_and(|answer| answer.starts_with('R'))
}

/// The URL of the maintenance database of the Postgres that the tests of a run share:
/// `TEST_POSTGRES_URL`, or one of this process's own.
///
/// # Panics
/// When it cannot be started.
pub fn shared() -> &'static str {
    static SHARED: OnceLock<(String, Option<Postgres>)> = OnceLock::new();
    let (url, _) = SHARED.get_or_init(|| match super::env("TEST_POSTGRES_URL") {
        Some(url) => (url, None),
        None => match Postgres::start(Durability::Fast) {
            Ok(postgres) => (postgres.admin_url(), Some(postgres)),
            Err(error) => panic!("cannot start Postgres: {error}"),
        },
    });
    url
}

/// Creates an empty database with a random name on the shared server and returns its URL, entered by
/// the superuser: see [`as_owner`] and [`as_service`].
///
/// # Panics
/// When the server refuses.
pub async fn fresh_database(prefix: &str) -> String {
    create(shared(), prefix, None).await
}

/// The same on a server of the test's own; `server_url` names any database of it.
///
/// # Panics
/// When the server refuses.
pub async fn fresh_database_on(server_url: &str, prefix: &str) -> String {
    create(server_url, prefix, None).await
}

/// Creates a copy of the database at `template_url`, beside it, and returns its URL. Nobody may be
/// connected to the template; a connection that is just closing is waited for.
///
/// # Panics
/// When the server refuses.
pub async fn clone_database(template_url: &str) -> String {
    let (_, template) = split(template_url);
    create(template_url, template, Some(template)).await
}

/// Drops the database at `url`, cutting whoever is connected.
///
/// # Panics
/// When the server refuses.
pub async fn drop_database(url: &str) {
    let (_, name) = split(url);
    if let Err(error) =
        administer(url, &format!("DROP DATABASE IF EXISTS \"{name}\" (FORCE)")).await
    {
        panic!("cannot drop {name}: {error}");
    }
}

/// The roles of every server: an owner of every database, and one that services run as, which owns
/// nothing and is no superuser.
const OWNER: &str = "marca_owner";
const RUNTIME: &str = "marca_service";
const ROLES: [&str; 3] = [
    "CREATE ROLE marca_runtime NOLOGIN",
    "CREATE ROLE marca_owner LOGIN PASSWORD 'marca'",
    "CREATE ROLE marca_service LOGIN PASSWORD 'marca' IN ROLE marca_runtime",
];

/// The same database, entered by its owner: for migrations and other changes of the schema.
pub fn as_owner(url: &str) -> String {
    entered_by(url, OWNER)
}

/// The same database, entered as a service does: the role owns nothing and is behind the policies.
pub fn as_service(url: &str) -> String {
    entered_by(url, RUNTIME)
}

fn entered_by(url: &str, role: &str) -> String {
    let place = url.rsplit_once('@').map_or(url, |(_, place)| place);
    let place = place.rsplit_once("://").map_or(place, |(_, place)| place);
    format!("postgres://{role}:marca@{place}")
}

async fn create(server_url: &str, prefix: &str, template: Option<&str>) -> String {
    for role in ROLES {
        // Several processes of a run share a server, and the second finds the role there.
        let careful = format!(
            "DO $$ BEGIN {role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        );
        if let Err(error) = administer(server_url, &careful).await {
            panic!("cannot make the roles: {error}");
        }
    }
    // Names are cut at 63 bytes.
    let stem: String = prefix.chars().take(30).collect();
    let name = format!("{stem}_{}", uuid::Uuid::new_v4().simple());
    let source = template.map(|template| format!(" TEMPLATE \"{template}\"")).unwrap_or_default();
    let statement = format!("CREATE DATABASE \"{name}\" OWNER {OWNER}{source}");
    let deadline = Instant::now() + Duration::from_secs(10);
    while let Err(error) = administer(server_url, &statement).await {
        let busy = error.to_string().contains("being accessed by other users");
        assert!(busy && Instant::now() < deadline, "cannot create {name}: {error}");
    }
    let (server, _) = split(server_url);
    format!("{server}/{name}")
}

/// The server's part of a URL and the name of the database.
fn split(url: &str) -> (&str, &str) {
    let plain = url.split('?').next().unwrap_or(url);
    plain.rsplit_once('/').unwrap_or((plain, "postgres"))
}

async fn administer(url: &str, statement: &str) -> Result<(), DbErr> {
    let (server, _) = split(url);
    let mut options = ConnectOptions::new(format!("{server}/postgres"));
    options.max_connections(1).sqlx_logging(false).connect_timeout(Duration::from_secs(10));
    let connection: DatabaseConnection = Database::connect(options).await?;
    let done = connection.execute_unprepared(statement).await;
    connection.close().await?;
    done.map(drop)
}
