//! `GET /bookings/{id}`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Id, Outcome};
use common::version::Versioned;
use contracts::booking::BookingView;

use crate::app::{Bookings, versioned};

/// Read one booking: its owner, an admin, or who may view all.
#[utoipa::path(
    get,
    path = "/bookings/{id}",
    operation_id = "get_booking",
    tag = "bookings",
    params(("id" = Uuid, Path, description = "The booking")),
    responses(
        (status = 200, description = "The booking", body = BookingView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Reserva não encontrada"),
    )
)]
pub(super) async fn get_booking(
    State(bookings): State<Bookings>,
    caller: Caller,
    Id(id): Id,
) -> Outcome<Versioned<BookingView>> {
    Ok(versioned(bookings.get(&caller, id).await?))
}
