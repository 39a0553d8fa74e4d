//! The routes, one file each.

mod api_key_facts;
mod api_keys;
mod change_password;
mod client;
mod create_user;
mod delete_session;
mod delete_user;
mod edit;
mod erase_user;
mod export_user;
mod get_jwks;
mod get_me;
mod get_user;
mod impersonate;
mod issue_token;
mod list_sessions;
mod list_users;
mod login_user;
mod logout;
mod logout_all;
mod recover_password;
mod refresh;
mod register;
mod reset_password;
mod session_facts;
mod show_me;
mod transport;
mod update_user;
mod user_facts;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use common::auth::Authenticator;
use common::settings::Origins;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::Users;

/// What the handlers work with.
#[derive(Clone, FromRef)]
struct Api {
    users: Users,
    authenticator: Authenticator,
    /// Whose pages may send the cookie.
    origins: Origins,
}

/// What the gateway lets through.
pub(crate) fn routes(
    users: Users,
    authenticator: Authenticator,
    origins: Origins,
) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(create_user::create_user, list_users::list_users))
        .routes(routes!(login_user::login_user))
        .routes(routes!(get_me::get_me))
        .routes(routes!(get_user::get_user, update_user::update_user, delete_user::delete_user))
        .routes(routes!(export_user::export_user))
        .routes(routes!(erase_user::erase_user))
        .routes(routes!(get_jwks::get_jwks))
        .routes(routes!(impersonate::impersonate))
        .routes(routes!(api_keys::create::create_api_key, api_keys::list::list_api_keys))
        .routes(routes!(api_keys::get::get_api_key, api_keys::revoke::revoke_api_key))
        .routes(routes!(change_password::change_password))
        .routes(routes!(recover_password::recover_password))
        .routes(routes!(reset_password::reset_password))
        .routes(routes!(register::register))
        .routes(routes!(issue_token::issue_token))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(logout_all::logout_all))
        .routes(routes!(show_me::show_me))
        .routes(routes!(list_sessions::list_sessions))
        .routes(routes!(delete_session::delete_session))
        .with_state(Api { users, authenticator, origins })
}

/// What only the neighbours may ask.
pub(crate) fn internal(users: Users) -> Router {
    Router::new()
        .route("/internal/v1/users/{id}", get(user_facts::user_facts))
        .route("/internal/v1/sessions/{id}", get(session_facts::session_facts))
        .route("/internal/v1/api-keys/{hash}", get(api_key_facts::api_key_facts))
        .with_state(users)
}
