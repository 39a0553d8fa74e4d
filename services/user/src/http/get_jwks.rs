//! `GET /auth/.well-known/jwks.json`

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::app::{Jwks, Published, Users};

/// Shows the public keys of access tokens.
///
/// Public (RFC 7517). Tokens name their key by `kid`; ask again when one is not known. The keys change
/// without notice: a new one is shown some seconds before it signs, an old one for a day after it last
/// did.
#[utoipa::path(
    get,
    path = "/auth/.well-known/jwks.json",
    tag = "auth",
    security(()),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the keys one has")),
    responses(
        (status = 200, description = "The keys", body = Jwks, headers(
            ("ETag" = String, description = "Changes with the keys"),
            ("Cache-Control" = String, description = "`public, max-age=60`"),
        )),
        (status = 304, description = "The keys are those that one has"),
    )
)]
pub(super) async fn get_jwks(State(users): State<Users>, headers: HeaderMap) -> Response {
    let Published { jwks, etag } = users.signer.published();
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).map(str::trim);
    let same =
        known.map(|tag| tag.strip_prefix("W/").unwrap_or(tag)).any(|tag| tag == "*" || tag == etag);
    let answer =
        if same { StatusCode::NOT_MODIFIED.into_response() } else { Json(jwks).into_response() };
    ([(CACHE_CONTROL, "public, max-age=60".to_owned()), (ETAG, etag)], answer).into_response()
}
