//! `POST /auth/password/reset`

use axum::extract::State;
use axum::http::StatusCode;
use common::http::{Body, Context, Outcome};
use contracts::password::ResetPassword;

use crate::app::Users;

/// Sets a new password by the code of a mail.
///
/// Public. A code is good once, for thirty minutes. Ends the user's sessions and other codes. A
/// password that is refused leaves the code as it is.
#[utoipa::path(
    post,
    path = "/auth/password/reset",
    tag = "auth",
    security(()),
    request_body = ResetPassword,
    responses(
        (status = 204, description = "It is set"),
        (status = 400, description = "Código inválido, usado ou expirado."),
    )
)]
pub(super) async fn reset_password(
    context: Context,
    State(users): State<Users>,
    Body(reset): Body<ResetPassword>,
) -> Outcome<StatusCode> {
    users.reset_password(reset, context.request_id()).await?;
    Ok(StatusCode::NO_CONTENT)
}
