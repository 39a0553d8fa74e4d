//! The servers a benchmark runs against: Postgres that syncs every commit, Redis, four release
//! builds, a tenant with room for millions of bookings.

use std::cell::Cell;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use contracts::Service;
use serde_json::{Value, json};
use testkit::servers::postgres::Durability;
use testkit::servers::redis::Persistence;
use testkit::servers::service::ServiceCommand;
use testkit::servers::{Postgres, Redis, ServiceProcess, WorkDir};

use super::scripts::{CREATE, READ, REFERENCE, SCRIPT};
use crate::failure::Failure;
use crate::shell;

/// Resources of the tenant. With five-minute slots on 60 days each holds 17,280 bookings.
const RESOURCES: usize = 400;
/// Five-minute slots of a resource that one run may use.
const SLOTS: usize = 2_400;
/// The one who can sign in.
pub(crate) const ADMIN: &str = "admin@bench.example";

/// Everything a benchmark needs, stopped with it.
pub(crate) struct House {
    folder: WorkDir,
    postgres: Postgres,
    _redis: Redis,
    services: Vec<(Service, ServiceProcess)>,
    /// The booking service once more, as a superuser: no policy holds it.
    unheld: ServiceProcess,
    client: reqwest::Client,
    token: String,
    pub(super) tenant: String,
    pub(super) user: String,
    resources: Vec<String>,
    date: String,
    base: Cell<u64>,
}

impl House {
    /// Starts everything and makes the tenant.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let mut postgres = Postgres::start(Durability::Full)?;
        let folder = WorkDir::new("bench")?;
        sql(
            &postgres,
            "postgres",
            "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'",
        )?;
        sql(&postgres, "postgres", "ALTER SYSTEM SET max_connections = 200")?;
        postgres.stop()?;
        postgres.restart()?;
        sql(&postgres, "postgres", "CREATE EXTENSION pg_stat_statements")?;
        for name in ["tenant", "user", "resource", "booking", "reference"] {
            sql(&postgres, "postgres", &format!("CREATE DATABASE bench_{name}"))?;
        }
        sql(&postgres, "postgres", "CREATE ROLE marca_runtime NOLOGIN")?;
        sql(&postgres, "postgres", "CREATE ROLE bench LOGIN IN ROLE marca_runtime")?;
        let redis = Redis::start(Persistence::None)?;
        let (services, unheld) = start_services(&postgres, &redis)?;
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build();
        let mut house = Self {
            folder,
            postgres,
            _redis: redis,
            services,
            unheld,
            client: client.map_err(|error| Failure::new(error.to_string()))?,
            token: String::new(),
            tenant: String::new(),
            user: String::new(),
            resources: Vec::new(),
            date: String::new(),
            base: Cell::new(0),
        };
        house.populate().await?;
        house.prepare_reference()?;
        Ok(house)
    }

    pub(crate) fn url(&self, service: Service) -> String {
        let found = self.services.iter().find(|(name, _)| *name == service);
        found.map(|(_, process)| process.url()).unwrap_or_default()
    }

    pub(crate) fn booking_url(&self) -> String {
        self.url(Service::Booking)
    }

    pub(crate) fn unheld_url(&self) -> String {
        self.unheld.url()
    }

    /// Some bookings that may be changed.
    pub(crate) fn booking_ids(&self) -> Result<Vec<String>, Failure> {
        let ids = "SELECT id FROM booking WHERE status = 'pendente' LIMIT 2000";
        let printed = sql(&self.postgres, "bench_booking", ids)?;
        Ok(printed.lines().map(str::to_owned).collect())
    }

    pub(crate) fn resource_url(&self) -> String {
        self.url(Service::Resource)
    }

    pub(crate) fn reference_url(&self) -> String {
        self.postgres.url("bench_reference")
    }

    pub(crate) fn reference_folder(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    pub(crate) fn next_base(&self) -> u64 {
        self.base.set(self.base.get() + 1);
        self.base.get()
    }

    /// Runs a statement on a service's database, past the service.
    pub(crate) fn sql(&self, service: Service, statement: &str) -> Result<String, Failure> {
        sql(&self.postgres, &format!("bench_{}", service.name()), statement)
    }

    /// Writes a file beside the scripts.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        Ok(self.folder.write(name, text)?)
    }

    /// Forgets failed sign-ins, so that the next one is not made to wait.
    pub(crate) fn forget_failures(&self) -> Result<(), Failure> {
        sql(&self.postgres, "bench_user", "DELETE FROM sign_in_throttle").map(drop)
    }

    /// Lets writes of the run before reach the disk, so that they do not disturb the next one.
    pub(crate) fn settle(&self) {
        // A failed checkpoint only makes the next figures noisier.
        let _ = sql(&self.postgres, "postgres", "CHECKPOINT");
    }

    pub(super) async fn call(
        &self,
        service: Service,
        path: &str,
        body: Value,
    ) -> Result<Value, Failure> {
        self.call_as(&self.token, service, path, body).await
    }

    /// Posts as the bearer of a token, or as nobody.
    pub(crate) async fn call_as(
        &self,
        token: &str,
        service: Service,
        path: &str,
        body: Value,
    ) -> Result<Value, Failure> {
        let url = format!("{}{path}", self.url(service));
        let mut request =
            self.client.post(url).header("content-type", "application/json").body(body.to_string());
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.map_err(|error| Failure::new(error.to_string()))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| Failure::new(error.to_string()))?;
        if !status.is_success() {
            return Err(Failure::new(format!("{path}: {status}: {text}")));
        }
        Ok(serde_json::from_str(&text)?)
    }

    async fn populate(&mut self) -> Result<(), Failure> {
        let id = |value: &Value| value["id"].as_str().unwrap_or_default().to_owned();
        let tenant = json!({
            "name": "Bench", "domain": "bench.example", "logo_url": "https://bench.example/logo.png",
            "theme_primary_color": "#000000", "plan": "basico",
            "settings": {
                "business_type": "bench", "timezone": "America/Sao_Paulo", "working_hours_start": "00:00",
                "working_hours_end": "24:00", "booking_interval": 5, "advance_booking_days": 365,
                "custom_labels": { "resource_singular": "R", "resource_plural": "R", "booking_label": "B", "user_label": "U" },
            },
        });
        self.tenant = id(&self.call(Service::Tenant, "/tenants/", tenant).await?);
        let password = "bench-password-1";
        let admin = json!({
            "tenant_id": self.tenant, "name": "Bench", "email": ADMIN,
            "user_type": "admin", "password": password,
        });
        self.user = id(&self.call(Service::User, "/users/", admin).await?);
        let login = json!({ "email": ADMIN, "password": password });
        let login = self.call(Service::User, "/users/login", login).await?;
        login["access_token"].as_str().unwrap_or_default().clone_into(&mut self.token);
        let category = json!({ "tenant_id": self.tenant, "name": "Bench", "type": "fisico" });
        let category = id(&self.call(Service::Resource, "/categories/", category).await?);
        for number in 0..RESOURCES {
            let name = format!("R{number}");
            let body = json!({ "tenant_id": self.tenant, "category_id": category, "name": name });
            let resource = self.call(Service::Resource, "/resources/", body).await?;
            self.resources.push(id(&resource));
        }
        let date =
            shell::capture(Command::new("date").args(["-u", "-d", "+20 days", "+%Y-%m-%d"]))?;
        date.trim().clone_into(&mut self.date);
        Ok(())
    }

    fn prepare_reference(&self) -> Result<(), Failure> {
        let program = testkit::servers::service::binary("marca-booking")?;
        let command = ServiceCommand::new("reference", release(&program))
            .env("BOOKING_DATABASE_URL", self.reference_url());
        command.run(&["migrate", "up"])?;
        self.folder.write("reference.sql", REFERENCE)?;
        Ok(())
    }

    pub(crate) fn script(&self, name: &str, request: &str) -> Result<PathBuf, Failure> {
        let resources: Vec<String> = self.resources.iter().map(|id| format!("\"{id}\"")).collect();
        let text = SCRIPT
            .replace("{{resources}}", &resources.join(","))
            .replace("{{token}}", &self.token)
            .replace("{{tenant}}", &self.tenant)
            .replace("{{user}}", &self.user)
            .replace("{{date}}", &self.date)
            .replace("{{request}}", request);
        Ok(self.folder.write(name, &text)?)
    }

    /// Bookings on slots that no other run uses: run `number` has its own days.
    pub(crate) fn create_script(&self, number: usize) -> Result<PathBuf, Failure> {
        let request = CREATE
            .replace("{{slots}}", &SLOTS.to_string())
            .replace("{{first}}", &(number * SLOTS).to_string());
        self.script("create.lua", &request)
    }

    pub(crate) fn read_script(&self) -> Result<PathBuf, Failure> {
        self.script("read.lua", READ)
    }

    pub(crate) fn constant_script(&self) -> Result<PathBuf, Failure> {
        self.script("constant.lua", "return wrk.format('GET', '/health', headers)")
    }

    /// What one booking costs on the warm path: statements by Postgres' own count, calls to
    /// neighbours by the service's.
    pub(crate) async fn cost_of_a_booking(&self) -> Result<Vec<String>, Failure> {
        const BOOKINGS: usize = 200;
        let day = format!("{}T12:00:00Z", self.date);
        let body = |number: usize| {
            json!({
                "tenant_id": self.tenant, "resource_id": self.resources[number], "user_id": self.user,
                "start_time": day, "end_time": day.replace("12:00", "12:05"),
            })
        };
        for number in 0..BOOKINGS {
            // Warms what is known of each resource; the bookings that count come after.
            let at = format!("{}T10:00:00Z", self.date);
            let mut warm = body(number);
            warm["start_time"] = json!(at);
            warm["end_time"] = json!(at.replace("10:00", "10:05"));
            self.call(Service::Booking, "/bookings/", warm).await?;
        }
        let before = self.neighbour_calls().await?;
        sql(&self.postgres, "postgres", "SELECT pg_stat_statements_reset()")?;
        for number in 0..BOOKINGS {
            self.call(Service::Booking, "/bookings/", body(number)).await?;
        }
        let statements = sql(
            &self.postgres,
            "postgres",
            "SELECT calls || ' × ' || left(regexp_replace(query, '\\s+', ' ', 'g'), 90) FROM pg_stat_statements \
             JOIN pg_database d ON d.oid = dbid WHERE d.datname = 'bench_booking' AND calls >= 100 ORDER BY calls DESC",
        )?;
        let calls = self.neighbour_calls().await? - before;
        let mut lines = vec![
            format!("{BOOKINGS} bookings, one after the other, warm: {calls} HTTP calls to neighbours."),
            "Statements in the booking database meanwhile (the relay's, which run beside the requests, included):".to_owned(),
        ];
        lines.extend(statements.lines().map(|line| format!("- {line}")));
        Ok(lines)
    }

    async fn neighbour_calls(&self) -> Result<u64, Failure> {
        let url = format!("{}/metrics", self.booking_url());
        let response = reqwest::get(url).await.map_err(|error| Failure::new(error.to_string()))?;
        let text = response.text().await.map_err(|error| Failure::new(error.to_string()))?;
        let calls = text.lines().filter(|line| {
            // Consumers look for events they have not heard of; no request waits for that.
            line.starts_with("marca_neighbour_calls_total") && !line.contains("kind=\"events\"")
        });
        Ok(calls.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }
}

fn release(debug: &std::path::Path) -> PathBuf {
    let name = debug.file_name().unwrap_or_default();
    let target = debug.parent().and_then(std::path::Path::parent);
    target.map(|target| target.join("release").join(name)).unwrap_or_default()
}

fn start_services(
    postgres: &Postgres,
    redis: &Redis,
) -> Result<(Vec<(Service, ServiceProcess)>, ServiceProcess), Failure> {
    let mut commands = Vec::new();
    for service in Service::ALL {
        let binary = testkit::servers::service::binary(&format!("marca-{}", service.name()))?;
        commands.push((service, ServiceCommand::new(service.name(), release(&binary))));
    }
    let address = |service: Service, commands: &[(Service, ServiceCommand)]| {
        let found = commands.iter().find(|(name, _)| *name == service);
        found.map(|(_, command)| format!("http://127.0.0.1:{}", command.port())).unwrap_or_default()
    };
    let addresses: Vec<(Service, String)> =
        Service::ALL.iter().map(|service| (*service, address(*service, &commands))).collect();
    let folder = std::env::temp_dir().join("marca-bench-data");
    let mut running = Vec::new();
    let unheld = testkit::servers::service::binary("marca-booking")?;
    let unheld = (Service::Booking, ServiceCommand::new("unheld", release(&unheld)));
    for (service, mut command) in commands.into_iter().chain([unheld]) {
        for (other, url) in &addresses {
            command =
                command.env(&format!("{}_SERVICE_URL", other.name().to_uppercase()), url.clone());
        }
        let database = format!("{}_DATABASE_URL", service.name().to_uppercase());
        let owner = postgres.url(&format!("bench_{}", service.name()));
        // The first of each is as in production, on tables that are the superuser's.
        let first = !running.iter().any(|(known, _)| *known == service);
        let url = if first { owner.replace("postgres@", "bench@") } else { owner.clone() };
        if first {
            command = command
                .env(&format!("{}_MIGRATION_DATABASE_URL", service.name().to_uppercase()), owner);
        }
        command = command
            .env(&database, url)
            .env("REDIS_URL", redis.url())
            .env("AUTH_MODE", "required")
            .env("INTERNAL_TOKEN", "bench-bench-bench-bench-bench-bench")
            .env("LOG_FORMAT", "json")
            .env("DATA_DIR", folder.display().to_string());
        running.push((service, command.start()?));
    }
    let unheld = running.pop().map(|(_, process)| process);
    unheld.map(|unheld| (running, unheld)).ok_or_else(|| Failure::new("nothing was started"))
}

/// Runs one statement and returns what it printed.
fn sql(postgres: &Postgres, database: &str, statement: &str) -> Result<String, Failure> {
    shell::capture(
        Command::new("psql")
            .args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement])
            .arg(postgres.url(database)),
    )
}
