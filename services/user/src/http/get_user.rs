//! `GET /users/{id}`

use axum::Json;
use axum::extract::State;
use common::auth::Caller;
use common::http::{Id, Outcome};
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
        (status = 200, description = "The user", body = UserView),
        (status = 404, description = "Usuário não encontrado"),
    )
)]
pub(super) async fn get_user(
    caller: Caller,
    Id(id): Id,
    State(users): State<Users>,
) -> Outcome<Json<UserView>> {
    Ok(Json(users.find(&caller, id).await?.view()))
}
