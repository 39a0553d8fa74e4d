//! `POST /auth/logout`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use common::auth::MaybePrincipal;
use common::http::{Context, OptionalBody, Outcome, Problem};
use contracts::session::RefreshBody;

use super::transport::Transport;
use crate::app::Users;

/// Signs out: ends the session.
///
/// For anyone: the session is that of the access token, of the refresh token in the cookie
/// `marca_refresh` or in the body, or of both. Where nothing is left to end, the answer is the same, so
/// it may be sent again; an `Idempotency-Key` means nothing.
#[utoipa::path(
    post,
    path = "/auth/logout",
    tag = "auth",
    security((), ("bearer" = [])),
    params(("transport" = Option<String>, Query, pattern = "^(cookie|body)$",
        description = "How the refresh token travels: `cookie` or `body`")),
    request_body(content = Option<RefreshBody>, description = "The token, if it travels here"),
    responses(
        (status = 204, description = "The session is over; the cookie is taken away"),
        (status = 403, description = "Origem não permitida."),
    )
)]
pub(super) async fn logout(
    State(users): State<Users>,
    transport: Transport,
    caller: Result<MaybePrincipal, Problem>,
    context: Context,
    OptionalBody(body): OptionalBody<RefreshBody>,
) -> Outcome<Response> {
    let refresh = transport.presented(body.refresh_token);
    let session = match caller {
        Ok(MaybePrincipal(caller)) => caller.and_then(|caller| caller.session()),
        // An access token that does not count any more has nothing to end.
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => None,
        Err(problem) if refresh.is_none() => return Err(problem),
        Err(_) => None,
    };
    let session = session.map(|session| session.id);
    users.sign_out(session, refresh.as_deref(), context.request_id()).await?;
    Ok(transport.clear(StatusCode::NO_CONTENT))
}
