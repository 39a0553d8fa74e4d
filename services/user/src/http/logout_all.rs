//! `POST /auth/logout-all`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use common::auth::Principal;
use common::http::{Context, Outcome};

use super::transport::Transport;
use crate::app::{Person, Users};

/// Signs out everywhere: ends every session of the caller.
///
/// For users and operators in person: 403 for API keys and for whoever acts as another. Sent again it
/// is 401: the session it came from is over as well. An `Idempotency-Key` means nothing.
#[utoipa::path(
    post,
    path = "/auth/logout-all",
    tag = "auth",
    params(("transport" = Option<String>, Query, pattern = "^(cookie|body)$",
        description = "How the refresh token travels: `cookie` or `body`")),
    responses((status = 204, description = "All sessions are over; the cookie is taken away"))
)]
pub(super) async fn logout_all(
    caller: Principal,
    State(users): State<Users>,
    transport: Transport,
    context: Context,
) -> Outcome<Response> {
    let person = Person::in_person(&caller)?;
    users.sign_out_everywhere(person, context.request_id()).await?;
    Ok(transport.clear(StatusCode::NO_CONTENT))
}
