//! `DELETE /users/{id}`

use axum::extract::State;
use axum::http::StatusCode;
use common::auth::Caller;
use common::http::{Context, Id, Outcome};
use common::version::Precondition;

use crate::app::Users;

/// Removes a user.
///
/// For the user and admins. Active bookings of it are cancelled shortly after; its tokens stop.
#[utoipa::path(
    delete,
    path = "/users/{id}",
    tag = "users",
    params(("id" = Uuid, Path, description = "The user"), Precondition),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "Usuário não encontrado"),
    )
)]
pub(super) async fn delete_user(
    caller: Caller,
    Id(id): Id,
    context: Context,
    wanted: Precondition,
    State(users): State<Users>,
) -> Outcome<StatusCode> {
    users.delete(&caller, id, &wanted, context.request_id()).await?;
    Ok(StatusCode::NO_CONTENT)
}
