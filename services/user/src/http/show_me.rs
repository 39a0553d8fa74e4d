//! `GET /auth/me`

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use common::auth::Principal;
use common::http::Outcome;
use contracts::session::MeView;

use crate::app::Users;

/// Shows who calls.
///
/// For anyone with a token or an API key. `permissions` is what the caller may do at this moment, with
/// the preset and all; what a caller of its `kind` does not have is null.
#[utoipa::path(
    get,
    path = "/auth/me",
    tag = "auth",
    responses(
        (status = 200, description = "The caller", body = MeView),
        (status = 404, description = "Usuário não encontrado"),
    )
)]
pub(super) async fn show_me(caller: Principal, State(users): State<Users>) -> Outcome<Response> {
    let view: MeView = users.me(&caller).await?;
    Ok(([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(view)).into_response())
}
