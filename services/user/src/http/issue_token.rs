//! `POST /auth/token`

use axum::extract::State;
use axum::response::Response;
use common::http::{Context, FormOrJson};
use contracts::session::{TokenRequest, TokenView};

use super::transport::Transport;
use crate::app::{Client, Users};

/// Signs a user in, as OAuth 2 does by password.
///
/// Public. The same as `POST /users/login`, with the names of the password grant; `scope`, `client_id`
/// and `client_secret` are taken and mean nothing, and so does an `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/auth/token",
    tag = "auth",
    security(()),
    params(("transport" = Option<String>, Query, pattern = "^(cookie|body)$",
        description = "How the refresh token travels: `cookie` or `body`")),
    request_body(
        description = "The credentials",
        content(
            (TokenRequest = "application/x-www-form-urlencoded"),
            (TokenRequest = "application/json")
        )
    ),
    responses(
        (status = 200, description = "An access token", body = TokenView),
        (status = 401, description = "Email ou senha inválidos"),
        (status = 403, description = "Origem não permitida."),
    )
)]
pub(super) async fn issue_token(
    State(users): State<Users>,
    transport: Transport,
    client: Client,
    context: Context,
    FormOrJson(request): FormOrJson<TokenRequest>,
) -> Response {
    match users.login(request.into(), &client, context.request_id()).await {
        Ok(tokens) => transport.hand_out(tokens),
        Err(error) => transport.refuse(error),
    }
}
