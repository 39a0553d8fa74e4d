//! `POST /bookings/`

use axum::extract::State;
use common::auth::Caller;
use common::db::Answer;
use common::http::{Body, Context, IdempotencyKey, Outcome, Problem};
use contracts::booking::{BookingView, PlaceBooking};

use crate::app::Bookings;

/// Make a booking.
///
/// Checks, first failure wins: shape, authority, existence of resource and user, the resource's
/// status, future, advance window, duration, working hours, weekly schedule, conflict, grid. Times
/// without an offset are the tenant's local time.
#[utoipa::path(
    post,
    path = "/bookings/",
    operation_id = "place_booking",
    tag = "bookings",
    params(IdempotencyKey),
    request_body = PlaceBooking,
    responses(
        (status = 201, description = "The booking", body = BookingView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "Horário fora do expediente configurado."),
        (status = 404, description = "Recurso não encontrado"),
        (status = 409, description = "Recurso já possui reserva neste intervalo"),
    )
)]
pub(super) async fn place_booking(
    State(bookings): State<Bookings>,
    // The shape is judged first: whether the caller may comes second.
    caller: Result<Caller, Problem>,
    context: Context,
    key: IdempotencyKey,
    Body(request): Body<PlaceBooking>,
) -> Outcome<Answer> {
    context.note_tenant(request.tenant_id);
    let caller = caller?;
    let once = key.by(&caller);
    Ok(bookings.place(&caller, &once, &request, context.request_id()).await?)
}
