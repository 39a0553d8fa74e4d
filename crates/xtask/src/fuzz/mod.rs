//! `cargo xtask test --only fuzz`: schemathesis against the specification of every service, as nobody
//! and as the admin of a tenant made for the run, on `SQLite`, one of them on Postgres too.

mod python;
mod report;
mod world;

use crate::failure::Failure;
use crate::shell;
use contracts::Service;
use report::Outcome;
use std::collections::BTreeMap;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use testkit::servers::ServiceProcess;
use testkit::servers::postgres;
use testkit::servers::service::{ServiceCommand, binary};
use world::World;

/// The fewest cases of each service, over all its runs.
const ENOUGH: u64 = 2_000;
/// Runs at the same time: schemathesis itself uses one core.
const AT_ONCE: usize = 2;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// A request without a token.
    Nobody,
    /// The admin of the run's own tenant.
    Admin,
}

/// One call of schemathesis.
#[derive(Debug, Clone)]
struct Run {
    service: Service,
    who: Who,
    engine: &'static str,
    base: String,
}

impl Run {
    /// The most random cases of an operation, beside those that follow from its specification: the
    /// resource service has many operations, each with many fields.
    fn examples(&self) -> u32 {
        match self.service {
            Service::Resource => 20,
            Service::User => 60,
            Service::Tenant | Service::Booking => 90,
        }
    }

    fn name(&self) -> String {
        let who = if self.who == Who::Admin { "admin" } else { "nobody" };
        format!("{}-{who}-{}", self.service.name(), self.engine)
    }
}

/// Runs the stage; the `TEST_POSTGRES_URL` of a running server.
pub(crate) fn run(postgres_url: &str) -> Result<(), Failure> {
    let st = python::schemathesis()?;
    let folder = shell::root().join("target/fuzz/reports");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let seed = seed()?;
    println!("seed {seed}; SEED={seed} repeats it. Reports are in {}", folder.display());
    let runtime = tokio::runtime::Runtime::new()?;
    let light = marca("sqlite", |service| service)?;
    let database = runtime.block_on(async {
        let mut urls = Vec::new();
        for service in Service::ALL {
            urls.push((service, postgres::fresh_database_on(postgres_url, "fuzz").await));
        }
        urls
    });
    let heavy = marca("postgres", |mut service| {
        for (of, url) in &database {
            let variable = format!("{}_DATABASE_URL", of.name().to_uppercase());
            service = service.env(&variable, url);
        }
        service
    })?;
    let outcomes = Mutex::new(Vec::new());
    let queue = Mutex::new(plan(&light, &heavy));
    let errors = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                // Not in the head of the loop: the lock would be held for the whole run.
                let next = || locked(&queue).pop();
                while let Some(run) = next() {
                    match fuzz(&st, &folder, &run, seed, &runtime) {
                        Ok(outcome) => locked(&outcomes).push((run, outcome)),
                        Err(error) => locked(&errors).push(format!("{}: {error}", run.name())),
                    }
                }
            });
        }
    });
    drop((light, heavy));
    let mut complaints = locked(&errors).clone();
    complaints.extend(judge(&locked(&outcomes)));
    Failure::from_complaints(&complaints)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Every service as nobody and as an admin on `SQLite`, and the one that asks most of the database on
/// Postgres, too; the last is run first.
fn plan(light: &ServiceProcess, heavy: &ServiceProcess) -> Vec<Run> {
    let of = |service, who, engine, base: &ServiceProcess| Run {
        service,
        who,
        engine,
        base: base.url(),
    };
    let mut runs = Vec::new();
    for service in Service::ALL {
        runs.push(of(service, Who::Nobody, "sqlite", light));
    }
    for service in Service::ALL {
        runs.push(of(service, Who::Admin, "sqlite", light));
    }
    runs.push(of(Service::Resource, Who::Admin, "postgres", heavy));
    runs
}

/// The seed of `SEED`, one of the clock's with `SEED=clock`, or else that of the specifications: what has
/// passed passes again until they change.
fn seed() -> Result<u32, Failure> {
    match shell::env("SEED").as_deref() {
        Some("clock") => {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
            Ok(now.subsec_nanos())
        }
        Some(given) => Ok(given.parse()?),
        None => {
            let mut hasher = std::hash::DefaultHasher::new();
            for service in Service::ALL {
                let file = format!("docs/openapi/{}.json", service.name());
                fs::read(shell::root().join(file))?.hash(&mut hasher);
            }
            Ok(u32::try_from(hasher.finish() & u64::from(u32::MAX))?)
        }
    }
}

/// The all-in-one, closed to requests without a token.
fn marca(
    name: &str,
    dress: impl FnOnce(ServiceCommand) -> ServiceCommand,
) -> Result<ServiceProcess, Failure> {
    let folder = shell::root().join("target/fuzz/data").join(name);
    let _ = fs::remove_dir_all(&folder);
    let service = ServiceCommand::new(&format!("fuzz-{name}"), binary("marca")?)
        .arg("--no-demo")
        .env("DATA_DIR", folder.display().to_string())
        .env("AUTH_MODE", "required")
        .env("LOG_LEVEL", "warn");
    Ok(dress(service).start()?)
}

fn fuzz(
    st: &Path,
    folder: &Path,
    run: &Run,
    seed: u32,
    runtime: &tokio::runtime::Runtime,
) -> Result<Outcome, Failure> {
    let name = run.name();
    let world = runtime.block_on(World::make(&run.base, &name, run.who))?;
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    fs::write(file("world.json"), world.to_json())?;
    let output = fs::File::create(file("txt"))?;
    let own = shell::root().join("crates/xtask/src/fuzz");
    let mut command = Command::new(st);
    command
        .current_dir(folder)
        .env("SCHEMATHESIS_HOOKS", own.join("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("FUZZ_WORLD", file("world.json"))
        .env("FUZZ_TALLY", file("tally.json"))
        .arg("--config-file")
        .arg(own.join("schemathesis.toml"))
        .args(["--no-color", "run"])
        .arg(format!("{}/api-docs/{}/openapi.json", run.base, run.service.docs()))
        .args(["--workers", "1", "--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", &run.examples().to_string(), "--seed", &seed.to_string()])
        .args(["--report", "json", "--report-json-path"])
        .arg(file("json"))
        .stdout(output.try_clone()?)
        .stderr(output)
        .stdin(Stdio::null());
    if let Some(token) = &world.token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let ended = command.status()?;
    let outcome = report::read(&file("json"), &file("tally.json"), ended.success());
    if !ended.success() || outcome.is_err() {
        println!("{}", fs::read_to_string(file("txt")).unwrap_or_default());
    }
    outcome
}

/// Says what was done, and what is wrong with it.
fn judge(outcomes: &[(Run, Outcome)]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    println!("{:<26} {:>6} {:>9}  answers", "run", "cases", "findings");
    let mut sorted: Vec<&(Run, Outcome)> = outcomes.iter().collect();
    sorted.sort_by_key(|(run, _)| run.name());
    for (run, outcome) in sorted {
        let name = run.name();
        println!("{name:<26} {:>6} {:>9}  {}", outcome.cases, outcome.findings, outcome.answers());
        if run.who == Who::Admin && !outcome.barren().is_empty() {
            println!("{:<26} never succeeded: {}", "", outcome.barren().join(", "));
        }
        *sums.entry(run.service.name()).or_default() += outcome.cases;
        complaints
            .extend(outcome.complaints(run.who).into_iter().map(|it| format!("{name}: {it}")));
    }
    for service in Service::ALL {
        let cases = sums.get(service.name()).copied().unwrap_or(0);
        println!("fuzz: {:<10} {cases} cases", service.name());
        if cases < ENOUGH {
            complaints.push(format!("{}: {cases} cases, {ENOUGH} are asked for", service.name()));
        }
    }
    complaints
}

/// The path of something in our own folder below `target`.
fn ours(name: &str) -> PathBuf {
    shell::root().join("target/fuzz").join(name)
}
