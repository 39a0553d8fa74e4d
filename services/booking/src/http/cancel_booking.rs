//! `PATCH /bookings/{id}/cancel`

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use common::auth::Caller;
use common::http::{Context, Id, OptionalBody, Params, Problem};
use common::version::Precondition;
use contracts::booking::CancelBooking;
use contracts::series::{ChangeAnswer, SeriesScope};

use super::series::{ScopeQuery, changed};
use crate::app::{Bookings, versioned};

/// Cancel a booking, while the tenant's rules allow it. Cancelling twice is a success without effect.
///
/// With `scope=following|all` the bookings of its series that are still to take place are cancelled with
/// it; those for which it is too late are listed in `refused`.
#[utoipa::path(
    patch,
    path = "/bookings/{id}/cancel",
    operation_id = "cancel_booking",
    tag = "bookings",
    params(
        ("id" = Uuid, Path, description = "The booking"),
        Precondition,
        ("scope" = inline(Option<SeriesScope>), Query, description = "Of a series: which bookings; default `this`"),
    ),
    request_body = Option<CancelBooking>,
    responses(
        (status = 200, description = "The cancelled booking", body = ChangeAnswer,
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
    Params(ScopeQuery(scope)): Params<ScopeQuery>,
    OptionalBody(body): OptionalBody<CancelBooking>,
) -> Result<Response, Problem> {
    let trace_id = context.request_id();
    if scope == SeriesScope::This {
        let booking = bookings.cancel(&caller, id, body.reason, &wanted, trace_id).await?;
        return Ok(versioned(booking).into_response());
    }
    let (of, reason) = ((id, scope), body.reason.as_deref());
    let done = bookings.cancel_series(&caller, of, reason, &wanted, trace_id).await?;
    Ok(changed(done, &context, bookings.clock.now()))
}
