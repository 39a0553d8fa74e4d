//! The command line of every binary: `serve` (default), `migrate`, `healthcheck`, `openapi`,
//! `dead-letters`, and what a service adds of its own.

use std::io::Write as _;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use clap::builder::Resettable;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use tokio_util::sync::CancellationToken;

use super::own::{Bench, NoCommand, OwnCommand};
use super::{Running, letters};
use crate::http::{Bound, serve};
use crate::platform::{BuildError, Platform, Service};
use crate::settings::{AuthMode, Env, Environment, Settings, SigningKey, Topology};
use crate::telemetry;

/// How long the port stays open after the process was told to stop, so that balancers notice.
const LAME_DUCK: Duration = Duration::from_secs(5);
/// How long background work may take to end.
const WIND_DOWN: Duration = Duration::from_secs(5);

/// The command line.
#[derive(Debug, Parser)]
#[command(
    version,
    about = "Marca: multi-tenant scheduling. Configured by environment variables; see the README."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Embedded only: do not make the demo tenant in an empty database.
    #[arg(long, global = true)]
    pub no_demo: bool,
}

/// What a binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer requests (default).
    Serve,
    /// Change the database's schema.
    Migrate {
        /// In which direction.
        #[arg(value_enum, default_value_t = Direction::Up)]
        direction: Direction,
        /// With `down`: how many steps; all when absent.
        #[arg(long)]
        steps: Option<u32>,
    },
    /// Ask the server on this machine whether it is ready.
    Healthcheck,
    /// Show the events that could not be applied, or apply one again.
    DeadLetters {
        /// Apply again, in order, the letter at this position and those of its aggregate behind it.
        #[arg(long, requires = "source")]
        replay: Option<i64>,
        /// The producer of the letter: tenant, user, resource or booking.
        #[arg(long)]
        source: Option<String>,
    },
    /// Print the `OpenAPI` specification.
    Openapi {
        /// Which service, where there are several.
        service: Option<String>,
    },
}

/// Where to migrate to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// Apply what is pending.
    Up,
    /// Take back.
    Down,
    /// Tell what is pending.
    Status,
}

/// A binary: what runs in it and how it is built.
pub trait Program {
    /// The commands it has beside those of every binary.
    type Own: OwnCommand;
    /// What runs in this process.
    fn topology(&self) -> Topology;
    /// Builds the services.
    fn build(&self, platform: &Platform) -> impl Future<Output = Result<Vec<Service>, BuildError>>;
    /// What answers beside the services' routes.
    fn root(&self, _: &Platform, _: &[Service]) -> Router {
        Router::new()
    }
    /// Called before anything is opened; an error stops the start.
    fn before(&self, _: &Settings) -> Result<(), String> {
        Ok(())
    }
    /// Called once the services run, before the port answers.
    fn started(
        &self,
        _: &Cli,
        _: &Platform,
        _: &Running,
        _: SocketAddr,
    ) -> impl Future<Output = Result<(), String>> {
        async { Ok(()) }
    }
}

/// A single service as a [`Program`].
struct Single<C, F>(contracts::Service, F, PhantomData<C>);

impl<C, F> Program for Single<C, F>
where
    C: OwnCommand,
    F: AsyncFn(&Platform) -> Result<Vec<Service>, BuildError>,
{
    type Own = C;

    fn topology(&self) -> Topology {
        Topology::Single(self.0)
    }

    async fn build(&self, platform: &Platform) -> Result<Vec<Service>, BuildError> {
        // Boxed, like the other large futures here: nested in one another they would outgrow what the
        // compiler computes.
        Box::pin((self.1)(platform)).await
    }
}

/// The `main` of a service's binary.
pub async fn main<F>(service: contracts::Service, build: F) -> ExitCode
where
    F: AsyncFn(&Platform) -> Result<Vec<Service>, BuildError>,
{
    main_with::<NoCommand, F>(service, build).await
}

/// The `main` of a service's binary that has commands of its own.
pub async fn main_with<C, F>(service: contracts::Service, build: F) -> ExitCode
where
    C: OwnCommand,
    F: AsyncFn(&Platform) -> Result<Vec<Service>, BuildError>,
{
    Box::pin(run(Single::<C, F>(service, build, PhantomData))).await
}

/// Runs a program by its command line.
pub async fn run<P: Program>(program: P) -> ExitCode {
    let name = match program.topology() {
        Topology::Embedded => "marca",
        Topology::Single(service) => service.binary(),
    };
    let common = Cli::command();
    let about = common.get_about().cloned().unwrap_or_default();
    let command = P::Own::augment_subcommands(common).about(about).long_about(Resettable::Reset);
    let matches = command.name(name).bin_name(name).get_matches();
    let done = if matches.subcommand_name().is_some_and(P::Own::has_subcommand) {
        let own = P::Own::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        Box::pin(execute_own(&program, own)).await
    } else {
        let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        Box::pin(execute(&program, cli)).await
    };
    match done {
        Ok(code) => code,
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

/// The configuration of this process, or everything that is wrong with it.
fn configured(program: &impl Program) -> Result<Settings, String> {
    // Two crates use the process' default provider; a second call in tests is harmless.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Settings::read(&Env::process(), program.topology()).map_err(|offences| {
        let list: Vec<String> = offences
            .iter()
            .map(|offence| format!("  {} {}", offence.variable, offence.problem))
            .collect();
        format!("the configuration is not valid:\n{}", list.join("\n"))
    })
}

async fn execute_own<P: Program>(program: &P, command: P::Own) -> Result<ExitCode, String> {
    let settings = configured(program)?;
    telemetry::init(&settings);
    let claim = |settings: &Settings| program.before(settings);
    Box::pin(command.run(Bench::new(settings, &claim))).await
}

async fn execute(program: &impl Program, cli: Cli) -> Result<ExitCode, String> {
    let settings = configured(program)?;
    match &cli.command {
        Some(Command::Healthcheck) => return Ok(healthcheck(&settings).await),
        Some(Command::Openapi { service }) => {
            return Box::pin(openapi(program, settings, service.as_deref())).await;
        }
        Some(Command::Migrate { direction, steps }) => {
            telemetry::init(&settings);
            if *direction != Direction::Status {
                program.before(&settings)?;
            }
            return Box::pin(migrate(program, settings, *direction, *steps)).await;
        }
        Some(Command::DeadLetters { replay, source }) => {
            telemetry::init(&settings);
            program.before(&settings)?;
            let letters = letters::dead_letters(program, settings, source.as_deref(), *replay);
            return Box::pin(letters).await;
        }
        Some(Command::Serve) | None => {}
    }
    telemetry::init(&settings);
    program.before(&settings)?;
    Box::pin(serve_until_stopped(program, &cli, settings)).await.map(|()| ExitCode::SUCCESS)
}

async fn serve_until_stopped(
    program: &impl Program,
    cli: &Cli,
    settings: Settings,
) -> Result<(), String> {
    let address = SocketAddr::new(settings.host, settings.port);
    let bound = Bound::bind(address).await.map_err(|error| {
        format!("cannot listen on {address}: {error}. Is another server running? APP_PORT chooses another port.")
    })?;
    if settings.auth_mode == AuthMode::Optional {
        tracing::warn!("AUTH_MODE=optional: every request without a token may do everything");
    }
    let platform = Platform::open(settings).map_err(|error| error.to_string())?;
    let services = Box::pin(program.build(&platform)).await.map_err(|error| error.to_string())?;
    if platform.settings.auto_migrate {
        migrate_all(&services).await?;
    }
    let root = program.root(&platform, &services);
    let running = Running::start(&platform, services);
    program.started(cli, &platform, &running, bound.address()).await?;
    tracing::info!(address = %bound.address(), "listening");
    let accepting = CancellationToken::new();
    let server = serve(bound, running.router(root), accepting.clone());
    tokio::pin!(server);
    tokio::select! {
        () = &mut server => {}
        () = told_to_stop() => {
            tracing::info!("stopping: finishing what is under way");
            platform.draining.cancel();
            if !platform.settings.is_embedded() {
                let _ = tokio::time::timeout(LAME_DUCK, &mut server).await;
            }
            accepting.cancel();
            server.await;
        }
    }
    wind_down(&platform).await;
    tracing::info!("stopped");
    Ok(())
}

async fn wind_down(platform: &Platform) {
    platform.stop.cancel();
    platform.tasks.close();
    if tokio::time::timeout(WIND_DOWN, platform.tasks.wait()).await.is_err() {
        tracing::warn!("some background work did not end in time");
    }
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = interrupt.await;
        }
    }
}

async fn migrate_all(services: &[Service]) -> Result<(), String> {
    for service in services {
        service
            .migrations
            .up(&service.database)
            .await
            .map_err(|error| format!("{}: could not migrate: {error}", service.name.name()))?;
    }
    Ok(())
}

async fn migrate(
    program: &impl Program,
    settings: Settings,
    direction: Direction,
    steps: Option<u32>,
) -> Result<ExitCode, String> {
    let platform = Platform::open(settings).map_err(|error| error.to_string())?;
    let services = Box::pin(program.build(&platform)).await.map_err(|error| error.to_string())?;
    let mut pending = 0;
    for service in &services {
        let (name, database) = (service.name.name(), &service.database);
        let told = |error: sea_orm::DbErr| format!("{name}: {error}");
        match direction {
            Direction::Up => service.migrations.up(database).await.map_err(told)?,
            Direction::Down => service.migrations.down(database, steps).await.map_err(told)?,
            Direction::Status => {}
        }
        let list = service.migrations.pending(database).await.map_err(told)?;
        pending += list.len();
        let state = if list.is_empty() {
            "up to date".to_owned()
        } else {
            format!("pending: {}", list.join(", "))
        };
        say(&format!("{name}: {state}"));
    }
    let wanted = direction == Direction::Up && pending > 0;
    Ok(if wanted { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn openapi(
    program: &impl Program,
    mut settings: Settings,
    wanted: Option<&str>,
) -> Result<ExitCode, String> {
    // Nothing is stored: no folder of the user's is touched and no server asked.
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    settings.data_dir = folder.path().to_path_buf();
    settings.signing_key = SigningKey::File(folder.path().join("signing-key.pem"));
    settings.environment = Environment::Development;
    for (service, url) in &mut settings.databases {
        *url = format!("sqlite://{}", folder.path().join(service.name()).display());
    }
    let platform = Platform::open(settings).map_err(|error| error.to_string())?;
    let services = Box::pin(program.build(&platform)).await.map_err(|error| error.to_string())?;
    let found =
        services.iter().find(|service| wanted.is_none_or(|name| name == service.name.name()));
    let service = found.ok_or_else(|| "no such service".to_owned())?;
    let json = service.openapi.to_pretty_json().map_err(|error| error.to_string())?;
    say(&json);
    Ok(ExitCode::SUCCESS)
}

async fn healthcheck(settings: &Settings) -> ExitCode {
    let url = format!("http://127.0.0.1:{}/ready", settings.port);
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(3)).build();
    let Ok(client) = client else { return ExitCode::FAILURE };
    match client.get(url).send().await {
        Ok(response) if response.status().is_success() => ExitCode::SUCCESS,
        Ok(_) | Err(_) => ExitCode::FAILURE,
    }
}

/// Prints for people and pipes; a closed pipe is no failure.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
