//! What every request passes through: a request id, the client's rate, a task of its own for writes
//! and a deadline for reads, one log line, one metric, problems rendered, security headers.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use chrono::{DateTime, Utc};
use contracts::text::Language;
use http::Extensions;
use http::header::{ACCEPT_LANGUAGE, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use tower_http::catch_panic::CatchPanicLayer;
use uuid::Uuid;

use super::client::ClientIp;
use super::headers::{cors, protect};
use super::path::Collections;
use super::problem::Problem;
use super::rate::{Quota, Subject};
use crate::auth::Principal;
use crate::platform::Platform;
use crate::settings::Environment;

/// The header that carries the request id.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// On every answer to an operator who acts as a user.
pub(super) const IMPERSONATED_BY: HeaderName = HeaderName::from_static("x-impersonated-by");

/// What is known of a request while it is answered.
#[derive(Clone, Debug)]
pub struct Context(Arc<ContextInner>);

#[derive(Debug)]
struct ContextInner {
    request_id: String,
    language: Language,
    client: ClientIp,
    /// The longest a client may take to send its body.
    body_timeout: Duration,
    received: DateTime<Utc>,
    /// The SHA-256 of the body, where somebody wants to know.
    body: OnceLock<[u8; 32]>,
    tenant: OnceLock<Uuid>,
    impersonator: OnceLock<Uuid>,
    quota: Mutex<Option<Quota>>,
}

impl Context {
    fn of(request: &Request, platform: &Platform) -> Self {
        let (headers, edge) = (request.headers(), &platform.settings.edge);
        let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| {
            (8..=64).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
        let language = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self(Arc::new(ContextInner {
            request_id: given
                .map_or_else(|| platform.ids.next().simple().to_string(), str::to_owned),
            language: language.map_or_else(Language::default, Language::negotiate),
            client: ClientIp::of(request.extensions(), headers, &edge.trusted_proxies),
            body_timeout: edge.bounds.body,
            received: platform.clock.now(),
            body: OnceLock::new(),
            tenant: OnceLock::new(),
            impersonator: OnceLock::new(),
            quota: Mutex::new(None),
        }))
    }

    /// The context of a request, from its extensions.
    pub(crate) fn from_extensions(extensions: &Extensions) -> Option<&Self> {
        extensions.get::<Self>()
    }

    /// The request id, which is also the trace id of errors and events.
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// Where the request comes from.
    pub fn client(&self) -> ClientIp {
        self.0.client
    }

    /// When the request came.
    pub(super) fn received(&self) -> DateTime<Utc> {
        self.0.received
    }

    /// Notes what was sent.
    pub(super) fn note_body(&self, body: &[u8]) {
        let _ = self.0.body.set(Sha256::digest(body).into());
    }

    /// The SHA-256 of what was noted; that of nothing is zeroes.
    pub(super) fn body(&self) -> &[u8; 32] {
        self.0.body.get().unwrap_or(&[0; 32])
    }

    /// The longest the client may take to send its body.
    pub(super) fn body_timeout(&self) -> Duration {
        self.0.body_timeout
    }

    /// Notes where the client stands, for the headers of its answer: of several quotas the one that
    /// binds it most.
    pub fn note_quota(&self, quota: Quota) {
        let mut noted = self.0.quota.lock().unwrap_or_else(PoisonError::into_inner);
        *noted = Some(noted.map_or(quota, |noted| noted.tighter(quota)));
    }

    fn quota(&self) -> Option<Quota> {
        *self.0.quota.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The language the caller prefers.
    pub fn language(&self) -> Language {
        self.0.language
    }

    /// Notes whose request this is, for the log.
    pub fn note_tenant(&self, tenant: Uuid) {
        // The first one to know wins; a second note would say the same.
        let _ = self.0.tenant.set(tenant);
    }

    /// Notes who calls, for the log and for the caller to see.
    pub(crate) fn note_caller(&self, caller: &Principal) {
        if let Principal::User(identity) = caller {
            self.note_tenant(identity.tenant_id);
        }
        if let Some(operator) = caller.session().and_then(|session| session.impersonator) {
            let _ = self.0.impersonator.set(operator);
        }
    }
}

#[derive(Clone)]
struct EdgeState {
    platform: Platform,
    service: &'static str,
    /// Whether requests are logged and counted.
    told: bool,
}

/// Wraps a service's routes in everything that each of its requests needs.
pub fn finish(
    platform: &Platform,
    service: &'static str,
    routes: Router,
    collections: &[String],
) -> Router {
    let routes = routes.fallback(|| async { Problem::not_found("Rota não encontrada.") });
    let state = EdgeState { platform: platform.clone(), service, told: true };
    Collections::new(collections).normalise(wrap(state, routes))
}

/// Wraps what is asked every few seconds by machines: neither logged nor counted. What has no route
/// is left to whatever `routes` are merged into.
pub(super) fn finish_quietly(platform: &Platform, service: &'static str, routes: Router) -> Router {
    wrap(EdgeState { platform: platform.clone(), service, told: false }, routes)
}

fn wrap(state: EdgeState, routes: Router) -> Router {
    let origins = state.platform.settings.origins.clone();
    routes
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(CatchPanicLayer::custom(|panic: Box<dyn std::any::Any + Send>| {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic");
            Problem::internal(format!("panic: {said}")).into_response()
        }))
        .layer(middleware::from_fn(turn_back))
        .layer(cors(&origins))
        .layer(middleware::from_fn_with_state(state, edge))
}

/// A request that is refused before anything else. It goes on to here, behind CORS, so that a page of
/// another origin can read why.
#[derive(Clone)]
struct Refused(Problem);

async fn turn_back(request: Request, next: Next) -> Response {
    match request.extensions().get::<Refused>() {
        Some(Refused(problem)) => problem.clone().into_response(),
        None => next.run(request).await,
    }
}

/// What machines of ours ask is not limited.
fn is_limited(route: &str) -> bool {
    !matches!(route, "/health" | "/ready" | "/metrics") && !route.starts_with("/internal/")
}

async fn edge(State(state): State<EdgeState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let EdgeState { platform, service, told } = state;
    let context = Context::of(&request, &platform);
    request.extensions_mut().insert(context.clone());
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    if is_limited(&route)
        && let Err(problem) = platform.limits.admit(&context, Subject::Ip(context.client()))
    {
        request.extensions_mut().insert(Refused(problem));
    }
    let response = if method.is_safe() {
        let answer = tokio::time::timeout(platform.settings.edge.bounds.answer, next.run(request));
        let late = |_| Problem::unavailable("not answered in time").into_response();
        answer.await.unwrap_or_else(late)
    } else {
        // A write runs in a task of its own: a client that hangs up cannot cut it in the middle.
        let joined = platform.tasks.spawn(next.run(request)).await;
        joined.unwrap_or_else(|error| Problem::internal(error).into_response())
    };
    let mut response = rendered(response, &context);
    protect(&mut response, platform.settings.environment == Environment::Production);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(context.request_id()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(operator) = context.0.impersonator.get()
        && let Ok(id) = HeaderValue::from_str(&operator.to_string())
    {
        headers.insert(IMPERSONATED_BY, id);
    }
    if let Some(quota) = context.quota() {
        quota.write(headers);
    }
    if !told {
        return response;
    }
    let (status, took) = (response.status().as_u16(), started.elapsed());
    platform.metrics.request(service, method.as_str(), &route, status, took);
    tracing::info!(
        service,
        method = %method,
        route,
        status,
        latency_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        tenant_id = context.0.tenant.get().map(tracing::field::display),
        impersonated_by = context.0.impersonator.get().map(tracing::field::display),
        request_id = context.request_id(),
        trace_id = context.request_id(),
        "request"
    );
    response
}

/// Turns a problem, or an empty error of the framework, into the contract's body.
fn rendered(response: Response, context: &Context) -> Response {
    let problem = match response.extensions().get::<Problem>() {
        Some(problem) => problem.clone(),
        None => return response,
    };
    if let Some(cause) = problem.cause() {
        let (request_id, code) = (context.request_id(), problem.code());
        if problem.status().as_u16() == 500 {
            tracing::error!(request_id, code, cause, "request failed");
        } else {
            tracing::warn!(request_id, code, cause, "request refused for now");
        }
    }
    let mut rendered = problem.render(context.request_id(), context.0.language);
    // Keep what the framework added, such as `Allow` with a 405.
    for (name, value) in response.headers() {
        if !rendered.headers().contains_key(name) && name != http::header::CONTENT_LENGTH {
            rendered.headers_mut().insert(name.clone(), value.clone());
        }
    }
    rendered
}
