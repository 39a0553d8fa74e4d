//! `POST /users/{id}/erasure`

use axum::extract::State;
use common::auth::Caller;
use common::db::Answer;
use common::http::{Context, Id, IdempotencyKey, Outcome};

use crate::app::Users;

/// Erases a user.
///
/// For the user and admins, in person: 403 for API keys and for who acts as somebody else. What
/// `DELETE` does, and shortly after the user's bookings are nobody's: they still count, without a name,
/// notes or reasons. It cannot be undone. Who has erased himself and asks again is nobody any more: 401.
#[utoipa::path(
    post,
    path = "/users/{id}/erasure",
    tag = "users",
    params(("id" = Uuid, Path, description = "The user"), IdempotencyKey),
    responses(
        (status = 204, description = "The person is gone"),
        (status = 404, description = "Usuário não encontrado"),
    )
)]
pub(super) async fn erase_user(
    caller: Caller,
    Id(id): Id,
    context: Context,
    key: IdempotencyKey,
    State(users): State<Users>,
) -> Outcome<Answer> {
    caller.in_person()?;
    Ok(users.erase(&caller, id, &key.by(&caller), context.request_id()).await?)
}
