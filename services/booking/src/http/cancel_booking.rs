//! `PATCH /bookings/{id}/cancel`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Context, Id, OptionalBody, Problem};
use contracts::booking::{BookingView, CancelBooking};
use http::StatusCode;

use super::version::Tagged;
use crate::app::{Bookings, Precondition};

/// Cancel a booking, while the tenant's rules allow it. Cancelling twice is a success without effect.
#[utoipa::path(
    patch,
    path = "/bookings/{id}/cancel",
    operation_id = "cancel_booking",
    tag = "bookings",
    params(
        ("id" = Uuid, Path, description = "The booking"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the version to cancel"),
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
) -> Result<Tagged, Problem> {
    let booking = bookings.cancel(&caller, id, body.reason, &wanted, context.request_id()).await?;
    Ok(Tagged(StatusCode::OK, booking))
}
