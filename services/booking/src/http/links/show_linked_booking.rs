//! `GET /bookings/links/{token}`

use axum::extract::State;
use common::version::Versioned;
use contracts::link::LinkedBookingView;

use super::Linked;
use crate::app::Bookings;

/// See a booking by a link.
///
/// Public: the token is the proof. It is seen until the link ends, also once it was cancelled or is over.
/// A token that was altered, made up or taken back is 404, one that has ended 410.
#[utoipa::path(
    get,
    path = "/bookings/links/{token}",
    operation_id = "show_linked_booking",
    tag = "links",
    security(()),
    params(("token" = String, Path, description = "The token of the link",
        pattern = "^ml_[A-Za-z0-9_-]{96}$")),
    responses(
        (status = 200, description = "The booking, and what may be done", body = LinkedBookingView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Link não encontrado"),
        (status = 410, description = "O link expirou."),
    )
)]
pub(super) async fn show_linked_booking(
    State(bookings): State<Bookings>,
    Linked(opened): Linked,
) -> Versioned<LinkedBookingView> {
    bookings.linked(&opened)
}
