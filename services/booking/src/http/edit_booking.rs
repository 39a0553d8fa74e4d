//! `PUT /bookings/{id}`

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use common::auth::Caller;
use common::http::{Body, Context, Id, Params, Problem};
use common::version::Precondition;
use contracts::booking::EditBooking;
use contracts::series::{ChangeAnswer, SeriesScope};

use super::series::{ScopeQuery, changed};
use crate::app::{Bookings, versioned};

/// Change a booking: absent fields stay as they are.
///
/// The window rules are judged only when the time or the resource changes. A change that fails
/// changes nothing; one that keeps its own slot does not conflict with itself.
///
/// With `scope=following|all` the bookings of its series that are still to take place change with it, all
/// or none: a new time moves each by the same distance on the clock. `following` makes them a series of
/// their own.
#[utoipa::path(
    put,
    path = "/bookings/{id}",
    operation_id = "edit_booking",
    tag = "bookings",
    params(
        ("id" = Uuid, Path, description = "The booking"),
        Precondition,
        ("scope" = inline(Option<SeriesScope>), Query, description = "Of a series: which bookings; default `this`"),
    ),
    request_body = EditBooking,
    responses(
        (status = 200, description = "The booking as it is now", body = ChangeAnswer,
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
    Params(ScopeQuery(scope)): Params<ScopeQuery>,
    Body(edit): Body<EditBooking>,
) -> Result<Response, Problem> {
    let trace_id = context.request_id();
    if scope == SeriesScope::This {
        let booking = bookings.edit(&caller, id, edit, &wanted, trace_id).await?;
        return Ok(versioned(booking).into_response());
    }
    let done = bookings.edit_series(&caller, (id, scope), &edit, &wanted, trace_id).await?;
    Ok(changed(done, &context, bookings.clock.now()))
}
