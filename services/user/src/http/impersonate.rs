//! `POST /auth/impersonate`

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use common::auth::Principal;
use common::http::{Body, Context, Outcome};
use contracts::session::{Impersonate, TokenView};

use crate::app::Users;

/// Acts as a user.
///
/// For platform operators. The token lives 15 minutes and cannot be refreshed; it names the operator,
/// every answer to it carries `x-impersonated-by`, and the user sees its session and can end it. It
/// cannot touch passwords or API keys, nor delete the user or the tenant.
///
/// An `Idempotency-Key` means nothing here, since no answer with a credential is kept. Sent again, it
/// opens a session more, told of like the first; both end after 15 minutes.
#[utoipa::path(
    post,
    path = "/auth/impersonate",
    tag = "auth",
    request_body = Impersonate,
    responses(
        (status = 200, description = "An access token of the user", body = TokenView),
        (status = 404, description = "Usuário não encontrado"),
        (status = 409, description = "Usuário inativo ou tenant suspenso."),
    )
)]
pub(super) async fn impersonate(
    principal: Principal,
    context: Context,
    State(users): State<Users>,
    Body(wanted): Body<Impersonate>,
) -> Outcome<Response> {
    let token: TokenView = users.impersonate(&principal, wanted, context.request_id()).await?;
    Ok(([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(token)).into_response())
}
