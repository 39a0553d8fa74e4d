//! `GET /auth/.well-known/jwks.json`

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};

use crate::app::{Jwks, Users};

/// Shows the public keys of access tokens.
///
/// Public (RFC 7517). Tokens name their key by `kid`; ask again when one is not known.
#[utoipa::path(
    get,
    path = "/auth/.well-known/jwks.json",
    tag = "auth",
    security(()),
    responses((status = 200, description = "The keys", body = Jwks,
        headers(("Cache-Control" = String, description = "`public, max-age=60`"))))
)]
pub(super) async fn get_jwks(State(users): State<Users>) -> Response {
    let keys = Json(users.signer.jwks()).into_response();
    ([(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"))], keys).into_response()
}
