//! `POST /users/`

use axum::extract::State;
use common::auth::MaybeCaller;
use common::db::Answer;
use common::http::{Body, IdempotencyKey, Outcome};
use contracts::user::{CreateUser, UserView};

use crate::app::Users;

/// Makes a user.
///
/// Public for the first admin of a tenant that has no user yet, and for a `user` with at most
/// `can_book`. Admins make anyone in their tenant; `can_manage_users` makes users who may do no more
/// than book and what the maker may do.
#[utoipa::path(
    post,
    path = "/users/",
    tag = "users",
    security((), ("bearer" = [])),
    params(IdempotencyKey),
    request_body = CreateUser,
    responses(
        (status = 201, description = "The new user", body = UserView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "E-mail já cadastrado para este tenant"),
        (status = 403, description = "Você não tem permissão para esta operação."),
        (status = 404, description = "Tenant não encontrado"),
    )
)]
pub(super) async fn create_user(
    MaybeCaller(caller): MaybeCaller,
    State(users): State<Users>,
    key: IdempotencyKey,
    Body(profile): Body<CreateUser>,
) -> Outcome<Answer> {
    let caller = caller.as_ref();
    Ok(users.create(caller, &key.by(caller), profile).await?)
}
