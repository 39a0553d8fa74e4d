//! What every answer tells a browser: who may read it (CORS), and what it may not do with it. The
//! gateway sets these on its own answers only.

use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, LINK, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use super::edge::{IMPERSONATED_BY, REQUEST_ID};
use super::idempotency::REPLAYED;
use super::rate;
use crate::settings::Origins;

/// An answer is data: a page that shows it runs nothing.
const CSP: &str = "default-src 'none'; frame-ancestors 'none'";
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=()";

/// Headers of every answer that does not set them itself.
const ALWAYS: [(HeaderName, &str); 7] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CONTENT_SECURITY_POLICY, CSP),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (CACHE_CONTROL, "no-store"),
];

/// A year; in production only, where TLS is in front.
const HSTS: &str = "max-age=31536000";

/// Sets what the handler did not.
pub(super) fn protect(response: &mut Response, production: bool) {
    let headers = response.headers_mut();
    let hsts = production.then_some((STRICT_TRANSPORT_SECURITY, HSTS));
    for (name, value) in ALWAYS.into_iter().chain(hsts) {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Who may call from a page of another origin.
pub(super) fn cors(origins: &Origins) -> CorsLayer {
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .expose_headers([
            REQUEST_ID,
            IMPERSONATED_BY,
            LINK,
            ETAG,
            REPLAYED,
            RETRY_AFTER,
            HeaderName::from_static("x-total-count"),
            rate::LIMIT,
            rate::POLICY,
        ])
        .max_age(std::time::Duration::from_mins(10));
    match origins {
        Origins::Any => layer.allow_origin(Any).allow_headers(Any),
        Origins::These(list) => {
            let list: Vec<HeaderValue> =
                list.iter().filter_map(|origin| origin.parse().ok()).collect();
            let headers = [
                "authorization",
                "content-type",
                "if-match",
                "if-none-match",
                "last-event-id",
                "cache-control",
                "idempotency-key",
                "accept-language",
                "x-hold-token",
            ];
            layer
                .allow_origin(AllowOrigin::list(list))
                .allow_headers(headers.map(HeaderName::from_static))
                .allow_credentials(true)
        }
    }
}
