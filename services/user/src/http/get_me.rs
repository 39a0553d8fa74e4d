//! `GET /users/me`

use axum::Json;
use axum::extract::State;
use common::auth::Caller;
use common::http::Outcome;
use contracts::user::UserView;

use crate::app::Users;

/// Shows the caller's own record.
///
/// For anyone with a token. The developer of an open system has no record: 404.
#[utoipa::path(
    get,
    path = "/users/me",
    tag = "users",
    responses(
        (status = 200, description = "The caller", body = UserView),
        (status = 404, description = "Usuário não encontrado"),
    )
)]
pub(super) async fn get_me(caller: Caller, State(users): State<Users>) -> Outcome<Json<UserView>> {
    Ok(Json(users.find_self(&caller).await?.view()))
}
