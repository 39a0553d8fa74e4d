//! `POST /auth/password/reset`

use axum::extract::State;
use common::auth::Author;
use common::db::Answer;
use common::http::{Body, Context, IdempotencyKey, Outcome};
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
    params(IdempotencyKey),
    request_body = ResetPassword,
    responses(
        (status = 204, description = "It is set"),
        (status = 400, description = "Código inválido, usado ou expirado."),
    )
)]
pub(super) async fn reset_password(
    context: Context,
    key: IdempotencyKey,
    State(users): State<Users>,
    Body(reset): Body<ResetPassword>,
) -> Outcome<Answer> {
    Ok(users.reset_password(&key.by(Author::nobody()), reset, context.request_id()).await?)
}
