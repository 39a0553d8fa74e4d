//! The whole platform as it runs in production: four services, Postgres, Redis and nginx, each a
//! process of its own.

use crate::api::Api;
use crate::sql::Sql;
use contracts::Service;
use reqwest::Method;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;
use testkit::gateway::{Settings, Upstream};
use testkit::servers::postgres::{
    Durability, as_owner, as_service, fresh_database, fresh_database_on,
};
use testkit::servers::redis::Persistence;
use testkit::servers::service::{ServiceCommand, binary};
use testkit::servers::{Nginx, Postgres, Redis, ServiceProcess, WorkDir};
use testkit::wait::until;
use tokio::sync::OnceCell;

/// How long a debug binary on a busy machine may take to be ready.
const READY: Duration = Duration::from_mins(1);
/// The secret of a service, in every cluster.
pub(crate) fn secret(service: Service) -> String {
    format!("a-secret-of-the-end-to-end-tests-{}", service.name())
}

/// What a service shows its neighbours.
pub(crate) fn credential(service: Service) -> String {
    format!("{}.{}", service.name(), secret(service))
}

/// The hashes by which the services know each other.
pub(crate) fn peers() -> String {
    let hash = |service: Service| {
        let digest = Sha256::digest(secret(service).as_bytes());
        digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    Service::ALL.map(|service| format!("{}={}", service.name(), hash(service))).join(",")
}

/// What a test wants to have.
pub(crate) struct Options {
    /// Replicas of the booking service.
    pub(crate) bookings: usize,
    /// What Redis remembers when it is killed.
    pub(crate) persistence: Persistence,
    /// A Postgres of its own, to be killed or looked into; otherwise the one all tests share.
    pub(crate) postgres: Option<Durability>,
    /// `optional` or `required`.
    pub(crate) auth: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        let (persistence, postgres) = (Persistence::AppendOnly, None);
        Self { bookings: 1, persistence, postgres, auth: "optional" }
    }
}

/// The platform. Fields are dropped, and their processes stopped by id, in this order.
pub(crate) struct Cluster {
    pub(crate) nginx: Nginx,
    pub(crate) tenant: ServiceProcess,
    pub(crate) user: ServiceProcess,
    pub(crate) resource: ServiceProcess,
    pub(crate) bookings: Vec<ServiceProcess>,
    pub(crate) redis: Redis,
    pub(crate) postgres: Option<Postgres>,
    databases: BTreeMap<Service, String>,
    data: WorkDir,
}

impl Cluster {
    /// Starts everything and waits until it is ready.
    pub(crate) async fn start(options: Options) -> Self {
        let Options { bookings, persistence, postgres, auth } = options;
        let postgres = postgres.map(|durability| Postgres::start(durability).expect("Postgres"));
        let mut databases = BTreeMap::new();
        for service in Service::ALL {
            let url = match &postgres {
                Some(own) => fresh_database_on(&own.admin_url(), service.name()).await,
                None => fresh_database(service.name()).await,
            };
            databases.insert(service, url);
        }
        for (service, url) in &databases {
            migrate(*service, url);
        }
        let redis = Redis::start(persistence).expect("Redis");
        let data = WorkDir::new("data").expect("a folder");
        let replicas = |service| if service == Service::Booking { bookings.max(1) } else { 1 };
        let commands: Vec<(Service, ServiceCommand)> = Service::ALL
            .into_iter()
            .flat_map(|service| (0..replicas(service)).map(move |_| (service, command(service))))
            .collect();
        let mut urls = BTreeMap::new();
        for (service, command) in &commands {
            urls.entry(*service).or_insert(format!("http://127.0.0.1:{}", command.port()));
        }
        let mut running: BTreeMap<Service, Vec<ServiceProcess>> = BTreeMap::new();
        for (service, command) in commands {
            let mut command = command
                .env(&variable(service, "DATABASE_URL"), as_service(&databases[&service]))
                .env("AUTO_MIGRATE", "false")
                .env("REDIS_URL", redis.url())
                .env("INTERNAL_TOKEN", secret(service))
                .env("INTERNAL_PEERS", peers())
                .env("AUTH_MODE", auth)
                .env("DATA_DIR", data.path().display().to_string())
                .env("LOG_FORMAT", "json");
            for (neighbour, url) in &urls {
                command = command.env(&variable(*neighbour, "SERVICE_URL"), url);
            }
            let process = command.start_unready().expect("a service");
            running.entry(service).or_default().push(process);
        }
        for process in running.values_mut().flatten() {
            process.wait_ready(READY).expect("ready");
        }
        let upstreams = upstreams(&running);
        let mut one = |service| running.get_mut(&service).and_then(Vec::pop).expect("a process");
        let (tenant, user, resource) =
            (one(Service::Tenant), one(Service::User), one(Service::Resource));
        let bookings = running.remove(&Service::Booking).unwrap_or_default();
        let nginx = Nginx::start(upstreams).expect("nginx");
        Self { nginx, tenant, user, resource, bookings, redis, postgres, databases, data }
    }

    /// The one that tests share which stop nothing: optional authentication, one of each service.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_init(|| Self::start(Options::default())).await
    }

    /// A client of the gateway, with connections of its own.
    pub(crate) fn api(&self) -> Api {
        Api::new(self.nginx.url())
    }

    /// One process of a service; of the booking service the first.
    pub(crate) fn process(&self, service: Service) -> &ServiceProcess {
        match service {
            Service::Tenant => &self.tenant,
            Service::User => &self.user,
            Service::Resource => &self.resource,
            Service::Booking => &self.bookings[0],
        }
    }

    /// The same, to be killed and restarted.
    pub(crate) fn process_mut(&mut self, service: Service) -> &mut ServiceProcess {
        match service {
            Service::Tenant => &mut self.tenant,
            Service::User => &mut self.user,
            Service::Resource => &mut self.resource,
            Service::Booking => &mut self.bookings[0],
        }
    }

    /// The folder that holds the user service's key.
    pub(crate) fn data(&self) -> String {
        self.data.path().display().to_string()
    }

    fn processes(&self) -> impl Iterator<Item = &ServiceProcess> {
        [&self.tenant, &self.user, &self.resource].into_iter().chain(&self.bookings)
    }

    /// A gateway more, with settings of its own, in front of the same services.
    pub(crate) fn gateway(&self, adjust: impl FnOnce(&mut Settings)) -> Nginx {
        let address = |process: &ServiceProcess| format!("127.0.0.1:{}", process.port());
        let upstreams = Service::ALL.map(|service| {
            let servers = match service {
                Service::Booking => self.bookings.iter().map(address).collect(),
                Service::Tenant | Service::User | Service::Resource => {
                    vec![address(self.process(service))]
                }
            };
            Upstream { service, servers }
        });
        Nginx::start_with(upstreams.to_vec(), adjust).expect("nginx")
    }

    /// Where a service's data is.
    pub(crate) fn database(&self, service: Service) -> &str {
        &self.databases[&service]
    }

    /// Everything the services have logged so far.
    pub(crate) fn logs(&self) -> String {
        self.processes().map(ServiceProcess::log_text).collect()
    }

    /// What is in a service's database.
    pub(crate) async fn sql(&self, service: Service) -> Sql {
        Sql::open(&self.databases[&service]).await
    }

    /// Waits until every booking event is numbered and the resource service has applied it.
    pub(crate) async fn settled(&self, timeout: Duration) {
        let (producer, consumer) =
            (self.sql(Service::Booking).await, self.sql(Service::Resource).await);
        until(timeout, "the resource service has applied every booking event", async || {
            let waiting = "SELECT count(*) FROM outbox WHERE pos IS NULL";
            let head = "SELECT coalesce(max(pos), 0) FROM outbox_head WHERE source = 'booking'";
            let applied = "SELECT coalesce(max(pos), 0) FROM checkpoint
                WHERE consumer = 'resource-service' AND source = 'booking'";
            producer.number(waiting).await == 0
                && producer.number(head).await == consumer.number(applied).await
        })
        .await;
        let dead = consumer.number("SELECT count(*) FROM dead_letter").await;
        assert_eq!(dead, 0, "dead letters");
    }

    /// nginx leaves a server alone for two seconds after it failed; waits until it tries again.
    pub(crate) async fn gateway_is_well(&self) {
        let api = self.api();
        for path in ["/tenants/", "/users/", "/resources/", "/bookings/"] {
            until(Duration::from_secs(15), "the gateway has noticed", async || {
                let reply = api.attempt(Method::GET, path, &Value::Null).await;
                reply.is_ok_and(|reply| reply.status == 200)
            })
            .await;
        }
    }

    /// No process has logged a failure of its own making.
    pub(crate) fn assert_no_errors(&self) {
        for process in self.processes() {
            let log = process.log_text();
            let bad: Vec<&str> = log.lines().filter(|line| is_error(line)).take(5).collect();
            assert!(bad.is_empty(), "{}", bad.join("\n"));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let log = self.nginx.process().log_text();
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(15)..];
        crate::figures::tell(&format!("log of nginx:\n{}", tail.join("\n")));
        for process in self.processes() {
            let log = process.log_text();
            let notable = |line: &&str| !line.contains("\"level\":\"INFO\"");
            let lines: Vec<&str> = log.lines().filter(notable).collect();
            let tail = &lines[lines.len().saturating_sub(15)..];
            crate::figures::tell(&format!("log of {}:\n{}", process.url(), tail.join("\n")));
        }
    }
}

fn is_error(line: &str) -> bool {
    line.contains("\"level\":\"ERROR\"") || line.contains("panicked at")
}

/// Migrates as the owner of the tables, as the jobs of production do; the services own nothing.
pub(crate) fn migrate(service: Service, database: &str) {
    let variable = variable(service, "MIGRATION_DATABASE_URL");
    let job = command(service)
        .env(&self::variable(service, "DATABASE_URL"), as_service(database))
        .env(&variable, as_owner(database));
    let done = job.run(&["migrate", "up"]).expect("it ran");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// The command of a service, with nothing but its port.
pub(crate) fn command(service: Service) -> ServiceCommand {
    let name = format!("marca-{}", service.name());
    ServiceCommand::new(&name, binary(&name).expect("built")).ready_within(READY)
}

/// `BOOKING_SERVICE_URL` and its like.
pub(crate) fn variable(service: Service, suffix: &str) -> String {
    format!("{}_{suffix}", service.name().to_uppercase())
}

fn upstreams(running: &BTreeMap<Service, Vec<ServiceProcess>>) -> Vec<Upstream> {
    let address = |process: &ServiceProcess| format!("127.0.0.1:{}", process.port());
    running
        .iter()
        .map(|(service, processes)| Upstream {
            service: *service,
            servers: processes.iter().map(address).collect(),
        })
        .collect()
}
