//! How a question reaches a neighbour: over HTTP, or by its own router in the same process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use contracts::Service;
use contracts::client::{Answer, Transport, Unreachable};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt as _, Limited};
use tokio::sync::Mutex;
use tower::ServiceExt as _;
use url::Url;

use super::credentials::{Credentials, INTERNAL_TOKEN};
use crate::metrics::Metrics;

/// The most a neighbour may answer.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// How long a fact may take. Two tries of it, three neighbours in a row: below three seconds.
const FACT_TIMEOUT: Duration = Duration::from_millis(400);
/// How long a batch of events, or of what is held about a user, may take.
const BATCH_TIMEOUT: Duration = Duration::from_secs(3);
/// What is answered in batches, besides events.
const LONG: [&str; 3] = [
    "/internal/v1/personal-data/",
    "/internal/v1/occupancy/batch",
    "/internal/v1/occupancy/bookings",
];
/// Failures in a row after which a neighbour is left alone.
const BREAKER_FAILURES: u32 = 4;
/// For how long.
const BREAKER_PAUSE: Duration = Duration::from_secs(1);

/// What bodies are.
const JSON: &str = "application/json";

/// Over HTTP, with a time limit, one retry and a breaker per neighbour.
pub struct HttpTransport {
    client: reqwest::Client,
    neighbours: BTreeMap<Service, Neighbour>,
    credential: HeaderValue,
    metrics: Metrics,
}

struct Neighbour {
    base: Url,
    failures: AtomicU32,
    open_until: Mutex<Option<Instant>>,
}

impl HttpTransport {
    /// A transport to the neighbours at these addresses.
    pub fn new(
        urls: &BTreeMap<Service, Url>,
        credentials: &Credentials,
        metrics: Metrics,
    ) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(FACT_TIMEOUT)
            .pool_idle_timeout(Duration::from_secs(30))
            .build()?;
        let neighbour = |url: &Url| Neighbour {
            base: url.clone(),
            failures: AtomicU32::new(0),
            open_until: Mutex::new(None),
        };
        let neighbours = urls.iter().map(|(service, url)| (*service, neighbour(url))).collect();
        Ok(Self { client, neighbours, credential: credentials.shown(), metrics })
    }

    async fn attempt(
        &self,
        url: Url,
        body: Option<Bytes>,
        timeout: Duration,
    ) -> Result<Answer, String> {
        let work = async {
            let request = match body {
                None => self.client.get(url),
                Some(body) => self.client.post(url).header(CONTENT_TYPE, JSON).body(body),
            };
            let request = request.header(INTERNAL_TOKEN, &self.credential);
            let mut response = request.send().await.map_err(|error| error.to_string())?;
            let status = response.status().as_u16();
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| error.to_string())? {
                if body.len() + chunk.len() > MAX_ANSWER {
                    return Err("answer too large".to_owned());
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Answer { status, body: body.into() })
        };
        tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| Err("timed out".to_owned()))
    }
}

impl Neighbour {
    async fn is_open(&self) -> bool {
        self.open_until.lock().await.is_some_and(|until| Instant::now() < until)
    }

    async fn failed(&self) {
        if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= BREAKER_FAILURES {
            *self.open_until.lock().await = Some(Instant::now() + BREAKER_PAUSE);
        }
    }
}

impl HttpTransport {
    async fn ask(
        &self,
        service: Service,
        path_and_query: &str,
        body: Option<Bytes>,
    ) -> Result<Answer, Unreachable> {
        let unreachable =
            |reason: &str| Unreachable { service: service.name(), reason: reason.to_owned() };
        let Some(neighbour) = self.neighbours.get(&service) else {
            return Err(unreachable("no address configured"));
        };
        if neighbour.is_open().await {
            self.metrics.neighbour_call(service.name(), "breaker");
            return Err(unreachable("not asked: it failed just now"));
        }
        let url = neighbour.base.join(path_and_query).map_err(|_| unreachable("bad path"))?;
        let batch = path_and_query.starts_with("/internal/v1/outbox/");
        let long =
            batch || body.is_some() || LONG.iter().any(|route| path_and_query.starts_with(route));
        let timeout = if long { BATCH_TIMEOUT } else { FACT_TIMEOUT };
        let mut reason = String::new();
        for _ in 0..2 {
            match self.attempt(url.clone(), body.clone(), timeout).await {
                Ok(answer) => {
                    neighbour.failures.store(0, Ordering::Relaxed);
                    self.metrics
                        .neighbour_call(service.name(), if batch { "events" } else { "answered" });
                    return Ok(answer);
                }
                Err(error) => reason = error,
            }
        }
        neighbour.failed().await;
        self.metrics.neighbour_call(service.name(), "unreachable");
        Err(unreachable(&reason))
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn get(&self, service: Service, path_and_query: &str) -> Result<Answer, Unreachable> {
        self.ask(service, path_and_query, None).await
    }

    async fn post(&self, service: Service, path: &str, body: Bytes) -> Result<Answer, Unreachable> {
        self.ask(service, path, Some(body)).await
    }
}

/// In process to the services that run here, over HTTP to the others.
pub struct MixedTransport {
    local: LocalTransport,
    remote: HttpTransport,
}

impl MixedTransport {
    /// A transport of both kinds.
    pub fn new(local: LocalTransport, remote: HttpTransport) -> Self {
        Self { local, remote }
    }
}

#[async_trait]
impl Transport for MixedTransport {
    async fn get(&self, service: Service, path_and_query: &str) -> Result<Answer, Unreachable> {
        if self.local.has(service) {
            return self.local.get(service, path_and_query).await;
        }
        self.remote.get(service, path_and_query).await
    }

    async fn post(&self, service: Service, path: &str, body: Bytes) -> Result<Answer, Unreachable> {
        if self.local.has(service) {
            return self.local.post(service, path, body).await;
        }
        self.remote.post(service, path, body).await
    }
}

/// By the neighbour's own router, in the same process. The routers are given once all are built.
#[derive(Clone)]
pub struct LocalTransport {
    routers: Arc<OnceLock<BTreeMap<Service, Router>>>,
    credential: HeaderValue,
}

impl LocalTransport {
    /// A transport whose neighbours are not built yet.
    pub fn new(credentials: &Credentials) -> Self {
        Self { routers: Arc::default(), credential: credentials.shown() }
    }

    fn has(&self, service: Service) -> bool {
        self.routers.get().is_some_and(|routers| routers.contains_key(&service))
    }

    /// Introduces the neighbours to each other. The first call counts.
    pub fn introduce(&self, routers: BTreeMap<Service, Router>) {
        let _ = self.routers.set(routers);
    }
}

impl LocalTransport {
    async fn ask(
        &self,
        service: Service,
        request: http::request::Builder,
        body: Body,
    ) -> Result<Answer, Unreachable> {
        let unreachable = |reason: String| Unreachable { service: service.name(), reason };
        let router = self.routers.get().and_then(|routers| routers.get(&service)).cloned();
        let router = router.ok_or_else(|| unreachable("not started yet".to_owned()))?;
        let request = request
            .header(INTERNAL_TOKEN, &self.credential)
            .body(body)
            .map_err(|error| unreachable(error.to_string()))?;
        let work = async {
            let Ok(response) = router.oneshot(request).await;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
            body.map(|body| Answer { status, body: body.to_bytes() })
                .map_err(|error| error.to_string())
        };
        match tokio::time::timeout(BATCH_TIMEOUT, work).await {
            Ok(answer) => answer.map_err(unreachable),
            Err(_) => Err(unreachable("timed out".to_owned())),
        }
    }
}

#[async_trait]
impl Transport for LocalTransport {
    async fn get(&self, service: Service, path_and_query: &str) -> Result<Answer, Unreachable> {
        self.ask(service, Request::get(path_and_query), Body::empty()).await
    }

    async fn post(&self, service: Service, path: &str, body: Bytes) -> Result<Answer, Unreachable> {
        let request = Request::post(path).header(CONTENT_TYPE, JSON);
        self.ask(service, request, Body::from(body)).await
    }
}
