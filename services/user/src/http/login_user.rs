//! `POST /users/login`

use axum::extract::State;
use axum::response::Response;
use common::http::{Context, FormOrJson};
use contracts::session::{Login, TokenView};

use super::transport::Transport;
use crate::app::{Client, Users};

/// Signs a user in.
///
/// Public. As a form or as JSON. An e-mail address that exists in several tenants needs `tenant_id`
/// or `domain`; without, the answer is the one for wrong credentials. The refresh token comes in the
/// cookie `marca_refresh`, or in the body with `?transport=body`. After five failures in a row the
/// next try has to wait, each time longer, for at most five minutes: 429 with `Retry-After`.
///
/// An `Idempotency-Key` means nothing here, since no answer with a credential is kept. Sent again, it
/// opens a session more; the one whose answer was lost is of use to nobody and ends by itself.
#[utoipa::path(
    post,
    path = "/users/login",
    tag = "auth",
    security(()),
    params(("transport" = Option<String>, Query, pattern = "^(cookie|body)$",
        description = "How the refresh token travels: `cookie` or `body`")),
    request_body(
        description = "The credentials",
        content((Login = "application/x-www-form-urlencoded"), (Login = "application/json"))
    ),
    responses(
        (status = 200, description = "An access token", body = TokenView,
            headers(("Cache-Control" = String, description = "`no-store`"))),
        (status = 401, description = "Email ou senha inválidos"),
        (status = 403, description = "Origem não permitida."),
        (status = 429, description = "Muitas tentativas. Tente novamente em 1 s."),
    )
)]
pub(super) async fn login_user(
    State(users): State<Users>,
    transport: Transport,
    client: Client,
    context: Context,
    FormOrJson(login): FormOrJson<Login>,
) -> Response {
    match users.login(login, &client, context.request_id()).await {
        Ok(tokens) => transport.hand_out(tokens),
        Err(error) => transport.refuse(error),
    }
}
