//! What every request passes through: a request id, a task of its own for writes, one log line, one
//! metric, problems rendered, security headers.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use contracts::text::{Language, Text};
use http::header::{ACCEPT_LANGUAGE, HeaderName, HeaderValue};
use http::{Extensions, HeaderMap, Method, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};
use uuid::Uuid;

use super::path::Collections;
use super::problem::Problem;
use crate::auth::Principal;
use crate::platform::Platform;
use crate::settings::Origins;

/// The header that carries the request id.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// On every answer to an operator who acts as a user.
const IMPERSONATED_BY: HeaderName = HeaderName::from_static("x-impersonated-by");

/// What is known of a request while it is answered.
#[derive(Clone, Debug)]
pub struct Context(Arc<ContextInner>);

#[derive(Debug)]
struct ContextInner {
    request_id: String,
    language: Language,
    tenant: OnceLock<Uuid>,
    impersonator: OnceLock<Uuid>,
}

impl Context {
    fn of(headers: &HeaderMap, new_id: impl FnOnce() -> Uuid) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| {
            (8..=64).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
        let language = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self(Arc::new(ContextInner {
            request_id: given.map_or_else(|| new_id().simple().to_string(), str::to_owned),
            language: language.map_or_else(Language::default, Language::negotiate),
            tenant: OnceLock::new(),
            impersonator: OnceLock::new(),
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
}

/// Wraps a service's routes in everything that each of its requests needs.
pub fn finish(
    platform: &Platform,
    service: &'static str,
    routes: Router,
    collections: &[String],
) -> Router {
    let state = EdgeState { platform: platform.clone(), service };
    let inner = routes
        .fallback(|| async { Problem::not_found("Rota não encontrada.") })
        .method_not_allowed_fallback(|| async {
            let text = Text::new("Método não permitido para esta rota.");
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", text)
        })
        .layer(CatchPanicLayer::custom(|panic: Box<dyn std::any::Any + Send>| {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic");
            Problem::internal(format!("panic: {said}")).into_response()
        }))
        .layer(middleware::from_fn_with_state(state, edge))
        .layer(cors(&platform.settings.origins));
    Collections::new(collections).normalise(inner)
}

fn cors(origins: &Origins) -> CorsLayer {
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .expose_headers([
            REQUEST_ID,
            http::header::LINK,
            http::header::ETAG,
            http::header::RETRY_AFTER,
            HeaderName::from_static("x-total-count"),
        ])
        .max_age(std::time::Duration::from_mins(10));
    match origins {
        Origins::Any => layer.allow_origin(Any).allow_headers(Any),
        Origins::These(list) => {
            let list: Vec<HeaderValue> =
                list.iter().filter_map(|origin| origin.parse().ok()).collect();
            let headers =
                ["authorization", "content-type", "if-match", "idempotency-key", "accept-language"];
            layer
                .allow_origin(AllowOrigin::list(list))
                .allow_headers(headers.map(HeaderName::from_static))
                .allow_credentials(true)
        }
    }
}

async fn edge(State(state): State<EdgeState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let context = Context::of(request.headers(), || state.platform.ids.next());
    request.extensions_mut().insert(context.clone());
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let response = if method.is_safe() {
        next.run(request).await
    } else {
        // A write runs in a task of its own: a client that hangs up cannot cut it in the middle.
        let joined = state.platform.tasks.spawn(next.run(request)).await;
        joined.unwrap_or_else(|error| Problem::internal(error).into_response())
    };
    let mut response = rendered(response, &context);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(context.request_id()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(operator) = context.0.impersonator.get()
        && let Ok(id) = HeaderValue::from_str(&operator.to_string())
    {
        headers.insert(IMPERSONATED_BY, id);
    }
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    let (status, took) = (response.status().as_u16(), started.elapsed());
    state.platform.metrics.request(state.service, method.as_str(), &route, status, took);
    tracing::info!(
        service = state.service,
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
