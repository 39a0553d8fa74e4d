//! Is the process up, is it ready, what has it counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use super::edge::finish_quietly;
use crate::db::{Database, Engine};
use crate::platform::{Migrations, Platform};
use crate::settings::Environment;

/// What a service answers about itself.
#[derive(Clone)]
pub struct Probe {
    platform: Platform,
    service: contracts::Service,
    database: Database,
    migrations: Arc<dyn Migrations>,
}

impl Probe {
    /// A probe of one service.
    pub fn new(
        platform: &Platform,
        service: contracts::Service,
        database: Database,
        migrations: Arc<dyn Migrations>,
    ) -> Self {
        Self { platform: platform.clone(), service, database, migrations }
    }

    /// `/health`, `/ready`, `/metrics` and `/`.
    pub fn routes(self) -> Router {
        let (platform, name) = (self.platform.clone(), self.name());
        let routes = Router::new()
            .route("/health", get(health))
            .route("/ready", get(ready))
            .route("/metrics", get(metrics))
            .route("/", get(about))
            .with_state(self);
        finish_quietly(&platform, name, routes)
    }

    /// The service's short name.
    pub fn name(&self) -> &'static str {
        self.service.name()
    }

    /// Whether requests can be answered, and by what not.
    pub async fn check(&self) -> (bool, BTreeMap<&'static str, &'static str>) {
        let bounded = |work| tokio::time::timeout(Duration::from_secs(2), work);
        let pending = bounded(self.migrations.pending(&self.database)).await;
        let database = if matches!(pending, Ok(Ok(_))) { "ok" } else { "down" };
        let migrations = match pending {
            Ok(Ok(list)) if list.is_empty() => "ok",
            Ok(Ok(_)) => "down",
            Ok(Err(_)) | Err(_) => "degraded",
        };
        let mut checks = BTreeMap::from([("database", database), ("migrations", migrations)]);
        if self.database.engine() == Engine::Postgres && database == "ok" {
            checks.insert("row_security", self.row_security().await);
        }
        if self.platform.settings.redis_url.is_some() {
            // Without Redis bookings go on and events wait: degraded, not a failure.
            let alive =
                tokio::time::timeout(Duration::from_secs(1), self.platform.bus.ping()).await;
            checks.insert("redis", if matches!(alive, Ok(Ok(()))) { "ok" } else { "degraded" });
        }
        if self.platform.draining.is_cancelled() {
            checks.insert("lifecycle", "down");
        }
        let ready = checks.values().all(|state| *state != "down");
        (ready && database == "ok", checks)
    }
}

impl Probe {
    /// Whether the wall between tenants stands. What a developer may do without, production may not.
    async fn row_security(&self) -> &'static str {
        let holes = tokio::time::timeout(Duration::from_secs(2), self.database.holes()).await;
        let Ok(Ok(holes)) = holes else { return "degraded" };
        if holes.is_empty() {
            return "ok";
        }
        if self.platform.settings.environment == Environment::Development {
            return "degraded";
        }
        let service = self.service.name();
        tracing::error!(service, holes = holes.join("; "), "tenants are not kept apart");
        "down"
    }
}

async fn health(State(probe): State<Probe>) -> Json<Value> {
    Json(json!({
        "status": "ok",
        "service": probe.service.name(),
        "version": env!("CARGO_PKG_VERSION"),
        "tzdb": scheduling::zone::tzdb_version(),
    }))
}

async fn ready(State(probe): State<Probe>) -> Response {
    let (ready, checks) = probe.check().await;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = if ready { "ready" } else { "not_ready" };
    let body = json!({ "status": word, "service": probe.service.name(), "checks": checks });
    let mut response = (status, Json(body)).into_response();
    if !ready {
        response.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from_static("2"));
    }
    response
}

async fn metrics(State(probe): State<Probe>) -> Response {
    let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, format)], probe.platform.metrics.render()).into_response()
}

async fn about(State(probe): State<Probe>) -> Json<Value> {
    Json(json!({
        "service": probe.service.name(),
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "docs_url": format!("/api-docs/{}", probe.service.docs()),
    }))
}
