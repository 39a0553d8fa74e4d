//! The routes of bookings, one file each.

mod cancel_booking;
mod edit_booking;
mod get_booking;
mod groups;
mod list_bookings;
mod occupancy;
mod place_booking;
mod series;
mod set_booking_status;
mod version;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use common::auth::Authenticator;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::Bookings;

/// What the routes need.
#[derive(Clone, FromRef)]
pub(crate) struct AppState {
    pub(crate) bookings: Bookings,
    pub(crate) authenticator: Authenticator,
}

/// What the gateway lets through.
pub(crate) fn routes(state: AppState) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(place_booking::place_booking, list_bookings::list_bookings))
        .routes(routes!(get_booking::get_booking, edit_booking::edit_booking))
        .routes(routes!(cancel_booking::cancel_booking))
        .routes(routes!(set_booking_status::set_booking_status))
        .merge(series::routes())
        .routes(routes!(groups::place_group))
        .routes(routes!(groups::cancel_group))
        .with_state(state)
}

/// What only neighbours may ask.
pub(crate) fn internal(state: AppState) -> Router {
    Router::new().route("/internal/v1/occupancy", get(occupancy::occupancy)).with_state(state)
}
