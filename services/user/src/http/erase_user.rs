//! `POST /users/{id}/erasure`

use axum::extract::State;
use axum::http::StatusCode;
use common::auth::Caller;
use common::http::{Context, Id, Outcome};

use crate::app::Users;

/// Erases a user.
///
/// For the user and admins, in person: 403 for API keys and for who acts as somebody else. What
/// `DELETE` does, and shortly after the user's bookings are nobody's: they still count, without a name,
/// notes or reasons. It cannot be undone.
#[utoipa::path(
    post,
    path = "/users/{id}/erasure",
    tag = "users",
    params(("id" = Uuid, Path, description = "The user")),
    responses(
        (status = 204, description = "The person is gone"),
        (status = 404, description = "Usuário não encontrado"),
    )
)]
pub(super) async fn erase_user(
    caller: Caller,
    Id(id): Id,
    context: Context,
    State(users): State<Users>,
) -> Outcome<StatusCode> {
    caller.in_person()?;
    users.erase(&caller, id, context.request_id()).await?;
    Ok(StatusCode::NO_CONTENT)
}
