//! `POST /auth/password/change`

use axum::extract::State;
use common::auth::Caller;
use common::db::Answer;
use common::http::{Body, Context, IdempotencyKey, Outcome};
use contracts::password::ChangePassword;

use crate::app::Users;

/// Changes the caller's own password.
///
/// For anyone with a token. Ends the caller's other sessions and mailed codes. A wrong current
/// password counts like a failed sign-in.
#[utoipa::path(
    post,
    path = "/auth/password/change",
    tag = "auth",
    params(IdempotencyKey),
    request_body = ChangePassword,
    responses(
        (status = 204, description = "It is changed"),
        (status = 403, description = "Senha atual incorreta."),
        (status = 429, description = "Muitas tentativas. Tente novamente em 1 s."),
    )
)]
pub(super) async fn change_password(
    caller: Caller,
    context: Context,
    key: IdempotencyKey,
    State(users): State<Users>,
    Body(change): Body<ChangePassword>,
) -> Outcome<Answer> {
    let (once, client) = (key.by(&caller), context.client().address());
    Ok(users.change_password(&caller, &once, change, client, context.request_id()).await?)
}
