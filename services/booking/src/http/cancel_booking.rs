//! `PATCH /bookings/{id}/cancel`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Context, Id, OptionalBody, Outcome};
use common::version::{Precondition, Versioned};
use contracts::booking::{BookingView, CancelBooking};

use crate::app::{Bookings, versioned};

/// Cancel a booking, while the tenant's rules allow it. Cancelling twice is a success without effect.
#[utoipa::path(
    patch,
    path = "/bookings/{id}/cancel",
    operation_id = "cancel_booking",
    tag = "bookings",
    params(
        ("id" = Uuid, Path, description = "The booking"),
        Precondition,
    ),
    request_body = Option<CancelBooking>,
    responses(
        (status = 200, description = "The cancelled booking", body = BookingView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "Cancelamento permitido somente até 24 horas antes do início."),
        (status = 404, description = "Reserva não encontrada"),
        (status = 412, description = "A reserva foi alterada por outra requisição."),
    )
)]
pub(super) async fn cancel_booking(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    Id(id): Id,
    wanted: Precondition,
    OptionalBody(body): OptionalBody<CancelBooking>,
) -> Outcome<Versioned<BookingView>> {
    let booking = bookings.cancel(&caller, id, body.reason, &wanted, context.request_id()).await?;
    Ok(versioned(booking))
}
