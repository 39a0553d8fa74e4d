//! `POST /users/login`

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use common::http::{FormOrJson, Outcome};
use contracts::session::{Login, TokenView};

use crate::app::Users;

/// Signs a user in.
///
/// Public. As a form or as JSON. An e-mail address that exists in several tenants needs `tenant_id`
/// or `domain`; without, the answer is the one for wrong credentials. After five failures in a row
/// the next try has to wait, each time longer, for at most five minutes: 429 with `Retry-After`.
#[utoipa::path(
    post,
    path = "/users/login",
    tag = "auth",
    security(()),
    request_body(
        description = "The credentials",
        content((Login = "application/x-www-form-urlencoded"), (Login = "application/json"))
    ),
    responses(
        (status = 200, description = "An access token", body = TokenView,
            headers(("Cache-Control" = String, description = "`no-store`"))),
        (status = 401, description = "Email ou senha inválidos"),
        (status = 429, description = "Muitas tentativas. Tente novamente em 1 s."),
    )
)]
pub(super) async fn login_user(
    State(users): State<Users>,
    FormOrJson(login): FormOrJson<Login>,
) -> Outcome<Response> {
    let token: TokenView = users.login(login, super::client_address()).await?;
    Ok(([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(token)).into_response())
}
