//! The routes, one file each.

mod api_key_facts;
mod api_keys;
mod create_user;
mod delete_user;
mod edit;
mod get_jwks;
mod get_me;
mod get_user;
mod impersonate;
mod list_users;
mod login_user;
mod session_facts;
mod update_user;
mod user_facts;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use common::auth::Authenticator;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::Users;

/// What the handlers work with.
#[derive(Clone, FromRef)]
struct Api {
    users: Users,
    authenticator: Authenticator,
}

/// What the gateway lets through.
pub(crate) fn routes(users: Users, authenticator: Authenticator) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(create_user::create_user, list_users::list_users))
        .routes(routes!(login_user::login_user))
        .routes(routes!(get_me::get_me))
        .routes(routes!(get_user::get_user, update_user::update_user, delete_user::delete_user))
        .routes(routes!(get_jwks::get_jwks))
        .routes(routes!(impersonate::impersonate))
        .routes(routes!(api_keys::create::create_api_key, api_keys::list::list_api_keys))
        .routes(routes!(api_keys::get::get_api_key, api_keys::revoke::revoke_api_key))
        .with_state(Api { users, authenticator })
}

/// What only the neighbours may ask.
pub(crate) fn internal(users: Users) -> Router {
    Router::new()
        .route("/internal/v1/users/{id}", get(user_facts::user_facts))
        .route("/internal/v1/sessions/{id}", get(session_facts::session_facts))
        .route("/internal/v1/api-keys/{hash}", get(api_key_facts::api_key_facts))
        .with_state(users)
}
