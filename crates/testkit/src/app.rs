//! Marca in the test's own process: real services, a real database of its own, a clock that stands
//! still, and events that travel when the test says so.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use chrono::{DateTime, TimeZone as _, Utc};
use common::clock::{ManualClock, SystemIds};
use common::db::{Database, Options, Scope};
use common::lifecycle::Running;
use common::platform::{BuildError, Platform, Service};
use common::settings::{Env, Settings, Topology};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use sea_orm::ConnectionTrait as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tower::ServiceExt as _;

use crate::mail::Letterbox;
use crate::servers::postgres;

/// On which database a test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Files in a folder of the test's own.
    Sqlite,
    /// Databases of the test's own on a throw-away server.
    Postgres,
}

/// Builds the services and the gateway's own routes; the all-in-one's.
pub trait Build {
    /// The services.
    fn assemble(
        &self,
        platform: &Platform,
    ) -> impl Future<Output = Result<Vec<Service>, BuildError>>;
    /// What the gateway answers itself.
    fn root(&self, platform: &Platform, services: &[Service]) -> Router;
}

/// Marca, under test.
pub struct TestApp {
    /// What it was built from.
    pub platform: Platform,
    /// Its services.
    pub running: Running,
    /// What was mailed.
    pub letters: Arc<Letterbox>,
    /// The clock: 2027-03-01 12:00 UTC, a Monday, until the test moves it.
    pub clock: Arc<ManualClock>,
    router: Router,
    databases: Vec<String>,
    _folder: TempDir,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; null when it is empty or no JSON.
    pub body: Value,
    /// Its body as text.
    pub text: String,
}

static TEMPLATES: OnceCell<Vec<(contracts::Service, String)>> = OnceCell::const_new();

/// When tests begin: Monday, 2027-03-01 12:00 UTC.
pub fn epoch() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 3, 1, 12, 0, 0).single().unwrap_or_default()
}

impl TestApp {
    /// Starts an app; `variables` are its environment beside the databases.
    ///
    /// # Panics
    /// When it cannot be started: the test cannot go on.
    pub async fn start(build: &impl Build, engine: Engine, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut env = environment(folder.path(), variables);
        let mut databases = Vec::new();
        if engine == Engine::Postgres {
            let templates = TEMPLATES.get_or_init(|| templates(build)).await;
            let clones = templates.iter().map(|(_, template)| postgres::clone_database(template));
            databases = futures_util::future::join_all(clones).await;
            // As in production: the services own nothing, so every test is behind the policies.
            let services = templates.iter().map(|(service, _)| variable(*service));
            env.extend(services.zip(databases.iter().map(|url| postgres::as_service(url))));
        }
        let clock = Arc::new(ManualClock::at(epoch()));
        let letters = Arc::new(Letterbox::default());
        let platform = platform(env, Arc::clone(&clock), Arc::clone(&letters));
        let services = build.assemble(&platform).await.expect("the services are built");
        if engine == Engine::Sqlite {
            for service in &services {
                service.migrations.up(&service.database).await.expect("migrated");
            }
        }
        let root = build.root(&platform, &services);
        let running = Running::idle(&platform, services);
        let router = running.router(root);
        Self { platform, running, letters, clock, router, databases, _folder: folder }
    }

    /// Carries every event to its end.
    ///
    /// # Panics
    /// When events do not come to rest.
    pub async fn settle(&self) {
        self.running.settle().await.expect("events come to rest");
    }

    /// Serves the app on a port of its own for as long as it is there; the address to ask at.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn listen(&self) -> String {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = common::http::Bound::bind(address).await.expect("a port");
        let url = format!("http://{}", bound.address());
        let (router, stop) = (self.router.clone(), self.platform.stop.clone());
        let bounds = self.platform.settings.edge.bounds;
        self.platform.tasks.spawn(common::http::serve(bound, router, bounds, stop));
        url
    }

    /// Runs a statement on a service's database, past the service; on Postgres as the owner of the
    /// tables, who may change them too.
    ///
    /// # Panics
    /// When the database refuses it.
    pub async fn execute(&self, service: contracts::Service, sql: &str) -> u64 {
        let url = self.platform.settings.database(service);
        let owner =
            if url.starts_with("postgres") { postgres::as_owner(url) } else { url.to_owned() };
        let database = Database::connect(&owner, &Options::default()).await.expect("a database");
        let done = database.transact(Scope::All, async |tx| tx.execute_unprepared(sql).await);
        let rows = done.await.expect("a statement").rows_affected();
        database.close().await;
        rows
    }

    /// Runs a job of a service once, as its time would have come.
    ///
    /// # Errors
    /// What the job said when it failed.
    ///
    /// # Panics
    /// When there is no such job.
    pub async fn run_job(&self, name: &str) -> Result<(), String> {
        let mut jobs = self.running.services().iter().flat_map(|service| &service.jobs);
        let job = jobs.find(|job| job.name == name).expect("a job of this name");
        (job.run)().await
    }

    /// Sends a request through the gateway's table, as a client would.
    ///
    /// # Panics
    /// When the request cannot be built or the answer not read.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body, text }
    }

    /// Sends a request, and leaves the body of the answer to be read as it comes.
    pub async fn begin(&self, request: Request<Body>) -> http::Response<Body> {
        let Ok(response) = self.router.clone().oneshot(request).await;
        response
    }

    /// Sends JSON, or a calendar file as such; `token` may be empty, `body` null.
    pub async fn call(&self, method: Method, path: &str, token: &str, body: Value) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header("host", "marca.test:8000");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let calendar = body.as_str().filter(|text| text.starts_with("BEGIN:VCALENDAR"));
        let (kind, body) = match calendar {
            Some(text) => ("text/calendar", Body::from(text.to_owned())),
            None if body.is_null() => ("", Body::empty()),
            None => ("application/json", Body::from(body.to_string())),
        };
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        self.send(request.body(body).expect("a request")).await
    }

    /// `GET` without a token.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, "", Value::Null).await
    }

    /// `POST` without a token.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, "", body).await
    }

    /// `PUT` without a token.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, "", body).await
    }

    /// `PATCH` without a token.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, "", body).await
    }

    /// `DELETE` without a token.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, "", Value::Null).await
    }

    /// The events a service has recorded so far, in order, published or not.
    ///
    /// # Panics
    /// When they cannot be read.
    pub async fn events(&self, service: contracts::Service) -> Vec<contracts::event::Envelope> {
        self.settle().await;
        let found = self.running.services().iter().find(|candidate| candidate.name == service);
        let service = found.expect("the service runs here");
        service.outbox.after(&service.database, 0, 500).await.expect("the outbox")
    }

    /// Ends the app and drops its databases.
    pub async fn stop(self) {
        for service in self.running.services() {
            service.database.clone().close().await;
        }
        for url in &self.databases {
            // A database left over goes with its server.
            let () = postgres::drop_database(url).await;
        }
    }
}

impl Answer {
    /// The status, or the test fails showing the whole answer.
    ///
    /// # Panics
    /// When the status is another one.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "often the status is all that matters")]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The `error` code of a refusal.
    pub fn code(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    /// The `message` of a refusal.
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// The `id` of a view.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id in {}", self.text)).to_owned()
    }

    /// A header as text, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The paths of the fields a 422 names, sorted.
    pub fn fields(&self) -> Vec<&str> {
        let list = self.body["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut paths: Vec<&str> = list.iter().filter_map(|field| field["path"].as_str()).collect();
        paths.sort_unstable();
        paths
    }
}

fn environment(folder: &Path, variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut env = vec![("DATA_DIR".to_owned(), folder.display().to_string())];
    env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    env
}

fn platform(
    env: Vec<(String, String)>,
    clock: Arc<ManualClock>,
    letters: Arc<Letterbox>,
) -> Platform {
    let settings = Settings::read(&Env::from_iter(env), Topology::Embedded);
    let settings = settings.unwrap_or_else(|offences| panic!("{offences:?}"));
    Platform::with_notifier(settings, clock, Arc::new(SystemIds), letters).expect("a platform")
}

fn variable(service: contracts::Service) -> String {
    format!("{}_DATABASE_URL", service.name().to_uppercase())
}

/// One migrated database a service, once a process; tests get copies of it.
async fn templates(build: &impl Build) -> Vec<(contracts::Service, String)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut env = environment(folder.path(), &[]);
    let mut urls = Vec::new();
    for service in contracts::Service::ALL {
        let url = postgres::fresh_database(service.name()).await;
        env.push((variable(service), postgres::as_owner(&url)));
        urls.push((service, url));
    }
    let platform = platform(env, Arc::new(ManualClock::at(epoch())), Arc::default());
    for service in build.assemble(&platform).await.expect("the services are built") {
        service.migrations.up(&service.database).await.expect("migrated");
        service.database.close().await;
    }
    urls
}

/// Runs each `async fn name(app: TestApp)` of the surrounding module on both engines. `$start` is an
/// `async fn(Engine) -> TestApp`.
#[macro_export]
macro_rules! on_both_engines {
    ($start:path => $($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($start($crate::app::Engine::Sqlite).await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($start($crate::app::Engine::Postgres).await).await;
            })+
        }
    };
}
