//! What the gateway answers itself: the landing page, `/docs`, `/health`, and 404 for the rest.

use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use common::http::{Probe, finish};
use common::platform::{Platform, Service};
use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;
use serde_json::{Value, json};

const CSP: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// The routes of the gateway itself.
pub fn root(platform: &Platform, services: &[Service]) -> Router {
    let probes: Vec<Probe> = services.iter().map(|service| service.probe.clone()).collect();
    let page = contracts::landing::html();
    let routes = Router::new()
        .route("/", get(move || async move { ([(CONTENT_SECURITY_POLICY, CSP)], Html(page)) }))
        .route("/docs", get(|| async { (StatusCode::FOUND, [(http::header::LOCATION, "/")]) }))
        .route("/health", get(|| async { Json(json!({ "status": "ok", "service": "gateway" })) }))
        .route("/ready", get(move || ready(probes)));
    finish(platform, "gateway", routes, &[])
}

/// Every service's readiness in one answer.
async fn ready(probes: Vec<Probe>) -> (StatusCode, Json<Value>) {
    let mut whole = true;
    let mut checks = serde_json::Map::new();
    for probe in probes {
        let (ready, found) = probe.check().await;
        whole &= ready;
        checks.insert(probe.name().to_owned(), json!(found));
    }
    let (status, word) = if whole {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    (status, Json(json!({ "status": word, "checks": checks })))
}
