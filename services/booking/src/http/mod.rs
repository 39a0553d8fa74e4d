//! The routes of bookings, one file each.

mod booking_calendar;
mod calendar_feed;
mod calendar_file;
mod cancel_booking;
mod check_in;
mod confirm_hold;
mod create_calendar;
mod delete_calendar;
mod edit_booking;
mod extend_hold;
mod free_busy;
mod get_booking;
mod groups;
mod join_waitlist;
mod leave_waitlist;
mod links;
mod list_bookings;
mod list_calendars;
mod list_waitlist;
mod lower_capacity;
mod occupancy;
mod occupancy_batch;
mod place_booking;
mod place_hold;
mod release_hold;
mod series;
mod set_booking_status;
mod standing_batch;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use common::auth::Authenticator;
use common::http::Limits;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::Bookings;

/// What the routes need.
#[derive(Clone, FromRef)]
pub(crate) struct AppState {
    pub(crate) bookings: Bookings,
    pub(crate) authenticator: Authenticator,
    pub(crate) limits: Limits,
}

/// What the gateway lets through.
pub(crate) fn routes(state: AppState) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(place_booking::place_booking, list_bookings::list_bookings))
        .routes(routes!(get_booking::get_booking, edit_booking::edit_booking))
        .routes(routes!(cancel_booking::cancel_booking))
        .routes(routes!(set_booking_status::set_booking_status))
        .routes(routes!(check_in::check_in))
        .routes(routes!(place_hold::place_hold))
        .routes(routes!(confirm_hold::confirm_hold))
        .routes(routes!(extend_hold::extend_hold))
        .routes(routes!(release_hold::release_hold))
        .routes(routes!(join_waitlist::join_waitlist, list_waitlist::list_waitlist))
        .routes(routes!(leave_waitlist::leave_waitlist))
        .merge(series::routes())
        .routes(routes!(groups::place_group))
        .routes(routes!(groups::cancel_group))
        .merge(links::routes())
        .routes(routes!(booking_calendar::booking_calendar))
        .routes(routes!(create_calendar::create_calendar, list_calendars::list_calendars))
        .routes(routes!(delete_calendar::delete_calendar))
        .routes(routes!(calendar_feed::calendar_feed))
        .routes(routes!(free_busy::free_busy))
        .with_state(state)
}

/// What only neighbours may ask.
pub(crate) fn internal(state: AppState) -> Router {
    Router::new()
        .route("/internal/v1/occupancy", get(occupancy::occupancy))
        .route("/internal/v1/capacity", post(lower_capacity::lower_capacity))
        .route("/internal/v1/occupancy/batch", get(occupancy_batch::occupancy_batch))
        .route("/internal/v1/occupancy/bookings", get(standing_batch::standing_batch))
        .with_state(state)
}
