//! `GET /users/{id}`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Id, Outcome};
use common::version::Versioned;
use contracts::user::UserView;

use crate::app::Users;

/// Shows a user.
///
/// For the user, admins and `can_manage_users`.
#[utoipa::path(
    get,
    path = "/users/{id}",
    tag = "users",
    params(("id" = Uuid, Path, description = "The user")),
    responses(
        (status = 200, description = "The user", body = UserView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Usuário não encontrado"),
    )
)]
pub(super) async fn get_user(
    caller: Caller,
    Id(id): Id,
    State(users): State<Users>,
) -> Outcome<Versioned<UserView>> {
    Ok(users.find(&caller, id).await?.versioned())
}
