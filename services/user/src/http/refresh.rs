//! `POST /auth/refresh`

use axum::extract::State;
use axum::response::Response;
use common::http::{Context, OptionalBody};
use contracts::session::{RefreshBody, TokenView};

use super::transport::Transport;
use crate::app::Users;
use crate::error::Error;

/// Trades the refresh token for the next pair.
///
/// The token is the credential, in the cookie `marca_refresh`, or in the body with
/// `?transport=body`. It can be traded once. Who lost the answer may present it again for ten seconds
/// and gets the same successor; of parallel requests one succeeds, and the others are answered 409
/// with `Retry-After`. Any later reuse ends the session. That is what an `Idempotency-Key` would be for,
/// which means nothing here.
#[utoipa::path(
    post,
    path = "/auth/refresh",
    tag = "auth",
    security(("refresh_cookie" = [])),
    params(("transport" = Option<String>, Query, pattern = "^(cookie|body)$",
        description = "How the refresh token travels: `cookie` or `body`")),
    request_body(content = Option<RefreshBody>, description = "The token, if it travels here"),
    responses(
        (status = 200, description = "A new access token", body = TokenView),
        (status = 401, description = "Sessão inválida ou expirada."),
        (status = 403, description = "Origem não permitida."),
        (status = 409, description = "A sessão já está sendo renovada. Tente novamente."),
    )
)]
pub(super) async fn refresh(
    State(users): State<Users>,
    transport: Transport,
    context: Context,
    OptionalBody(body): OptionalBody<RefreshBody>,
) -> Response {
    let Some(token) = transport.presented(body.refresh_token) else {
        return transport.refuse(Error::BadRefresh);
    };
    match users.refresh(&token, context.request_id()).await {
        Ok(tokens) => transport.hand_out(tokens),
        Err(error) => transport.refuse(error),
    }
}
