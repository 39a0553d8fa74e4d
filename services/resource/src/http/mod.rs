//! The routes: one file per endpoint.

mod create_category;
mod create_exception;
mod create_resource;
mod delete_category;
mod delete_exception;
mod delete_resource;
mod edit_category;
mod edit_exception;
mod edit_resource;
mod get_availability;
mod get_category;
mod get_exception;
mod get_resource;
mod import_exceptions;
mod list;
mod list_categories;
mod list_exceptions;
mod list_resources;
mod manager;
mod preview_settings;
mod resource_facts;
mod search_availability;
mod stream_availability;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use common::auth::Authenticator;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::Directory;

/// What handlers take their parts from.
#[derive(Clone, FromRef)]
pub(crate) struct AppState {
    pub(crate) directory: Directory,
    pub(crate) authenticator: Authenticator,
}

/// What the gateway lets through.
pub(crate) fn routes(state: AppState) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(create_category::create_category, list_categories::list_categories))
        .routes(routes!(
            get_category::get_category,
            edit_category::edit_category,
            delete_category::delete_category
        ))
        .routes(routes!(create_resource::create_resource, list_resources::list_resources))
        .routes(routes!(
            get_resource::get_resource,
            edit_resource::edit_resource,
            delete_resource::delete_resource
        ))
        .routes(routes!(get_availability::get_availability))
        .routes(routes!(create_exception::create_exception, list_exceptions::list_exceptions))
        .routes(routes!(import_exceptions::import_exceptions))
        .routes(routes!(
            get_exception::get_exception,
            edit_exception::edit_exception,
            delete_exception::delete_exception
        ))
        .routes(routes!(stream_availability::stream_availability))
        .routes(routes!(search_availability::search_availability))
        .routes(routes!(preview_settings::preview_settings))
        .with_state(state)
}

/// What only neighbours may ask.
pub(crate) fn internal(state: AppState) -> Router {
    Router::new()
        .route("/internal/v1/resources", get(resource_facts::category_facts))
        .route("/internal/v1/resources/{id}", get(resource_facts::resource_facts))
        .with_state(state)
}
