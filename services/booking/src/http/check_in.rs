//! `PATCH /bookings/{id}/check-in`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Context, Id, Outcome};
use common::version::{Precondition, Versioned};
use contracts::booking::BookingView;

use crate::app::{Bookings, versioned};

/// Note that the person came.
///
/// From 30 minutes before the start to the end, by whoever may change the booking or by a user of the
/// preset `scanner`. A second time is a success without effect.
#[utoipa::path(
    patch,
    path = "/bookings/{id}/check-in",
    operation_id = "check_in",
    tag = "bookings",
    params(
        ("id" = Uuid, Path, description = "The booking"),
        Precondition,
    ),
    responses(
        (status = 200, description = "The booking, with `checked_in_at`", body = BookingView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "Check-in permitido a partir de 30 minutos antes do início."),
        (status = 404, description = "Reserva não encontrada"),
        (status = 412, description = "A reserva foi alterada por outra requisição."),
    )
)]
pub(super) async fn check_in(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    Id(id): Id,
    wanted: Precondition,
) -> Outcome<Versioned<BookingView>> {
    let booking = bookings.check_in(&caller, id, &wanted, context.request_id()).await?;
    Ok(versioned(booking))
}
