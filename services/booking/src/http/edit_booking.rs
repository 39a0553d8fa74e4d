//! `PUT /bookings/{id}`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Body, Context, Id, Outcome};
use common::version::{Precondition, Versioned};
use contracts::booking::{BookingView, EditBooking};

use crate::app::{Bookings, versioned};

/// Change a booking: absent fields stay as they are.
///
/// The window rules are judged only when the time or the resource changes. A change that fails
/// changes nothing; one that keeps its own slot does not conflict with itself.
#[utoipa::path(
    put,
    path = "/bookings/{id}",
    operation_id = "edit_booking",
    tag = "bookings",
    params(
        ("id" = Uuid, Path, description = "The booking"),
        Precondition,
    ),
    request_body = EditBooking,
    responses(
        (status = 200, description = "The booking as it is now", body = BookingView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "Horário fora do expediente configurado."),
        (status = 404, description = "Reserva não encontrada"),
        (status = 409, description = "Recurso já possui reserva neste intervalo"),
        (status = 412, description = "A reserva foi alterada por outra requisição."),
    )
)]
pub(super) async fn edit_booking(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    Id(id): Id,
    wanted: Precondition,
    Body(edit): Body<EditBooking>,
) -> Outcome<Versioned<BookingView>> {
    let booking = bookings.edit(&caller, id, edit, &wanted, context.request_id()).await?;
    Ok(versioned(booking))
}
