//! The routes, one file each.

mod change_password;
mod create_user;
mod delete_user;
mod edit;
mod get_jwks;
mod get_me;
mod get_user;
mod list_users;
mod login_user;
mod recover_password;
mod reset_password;
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

/// Where a request comes from, for throttling.
///
/// SEAM: the one place to connect `common::http::ClientIp` to, once it exists. Until then tries are
/// counted by account only.
const fn client_address() -> Option<std::net::IpAddr> {
    None
}

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
        .routes(routes!(change_password::change_password))
        .routes(routes!(recover_password::recover_password))
        .routes(routes!(reset_password::reset_password))
        .with_state(Api { users, authenticator })
}

/// What only the neighbours may ask.
pub(crate) fn internal(users: Users) -> Router {
    Router::new()
        .route("/internal/v1/users/{id}", get(user_facts::user_facts))
        .route("/internal/v1/sessions/{id}", get(session_facts::session_facts))
        .with_state(users)
}
