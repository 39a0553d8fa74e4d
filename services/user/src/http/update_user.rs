//! `PUT /users/{id}`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Context, Id, Outcome, Raw};
use common::version::{Precondition, Versioned};
use contracts::user::UserView;

use super::edit::EditUser;
use crate::app::Users;

/// Changes a user.
///
/// For the user, admins and `can_manage_users`; nobody changes his own `user_type`, `permissions`,
/// `is_active` or tenant, and only admins edit admins. Fields that are absent stay as they are;
/// `password` null takes the password away.
#[utoipa::path(
    put,
    path = "/users/{id}",
    tag = "users",
    params(("id" = Uuid, Path, description = "The user"), Precondition),
    request_body(content = EditUser, description = "Any of the fields"),
    responses(
        (status = 200, description = "The user as it is now", body = UserView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "E-mail já cadastrado para este tenant"),
        (status = 404, description = "Usuário não encontrado"),
    )
)]
pub(super) async fn update_user(
    caller: Caller,
    Id(id): Id,
    context: Context,
    wanted: Precondition,
    State(users): State<Users>,
    Raw(patch): Raw,
) -> Outcome<Versioned<UserView>> {
    let user = users.update(&caller, id, &patch, &wanted, context.request_id()).await?;
    Ok(user.versioned())
}
