//! `POST /auth/password/recover`

use axum::extract::State;
use common::auth::Author;
use common::db::Answer;
use common::http::{Body, Context, IdempotencyKey, Outcome};
use contracts::Text;
use contracts::password::{RecoverPassword, RecoveryAccepted};

use crate::app::Users;

/// Asks for a mail with a code to set a new password.
///
/// Public. The answer is the same whether or not there is such an account. The mail has a link to
/// `/auth/password/reset` below `PUBLIC_URL`, a page of the client's, and the code itself. An address
/// that exists in several tenants needs `tenant_id` or `domain`.
#[utoipa::path(
    post,
    path = "/auth/password/recover",
    tag = "auth",
    security(()),
    params(IdempotencyKey),
    request_body = RecoverPassword,
    responses((status = 202, description = "Taken down", body = RecoveryAccepted))
)]
pub(super) async fn recover_password(
    context: Context,
    key: IdempotencyKey,
    State(users): State<Users>,
    Body(recover): Body<RecoverPassword>,
) -> Outcome<Answer> {
    let text = Text::new("Se houver uma conta com este e-mail, enviaremos instruções.");
    let told = RecoveryAccepted { success: true, message: text.render(context.language()) };
    let (once, client) = (key.by(Author::nobody()), context.client().address());
    Ok(users.recover_password(&once, recover, &told, client, context.request_id()).await?)
}
