//! `PATCH /bookings/{id}/status`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Context, Id, Params, Problem};
use contracts::BookingStatus;
use contracts::booking::{BookingView, SettableStatus, settable_status};
use contracts::form::{Decode, Form};
use http::StatusCode;

use super::version::Tagged;
use crate::app::{Bookings, Precondition};

pub(super) struct Query {
    status: BookingStatus,
}

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let status = form.required("status_param", settable_status);
        Some(Self { status: status? })
    }
}

/// Set a booking's status.
///
/// Plain users may not confirm. `cancelado` obeys the cancellation rules; entering an active state
/// checks for conflicts again.
#[utoipa::path(
    patch,
    path = "/bookings/{id}/status",
    operation_id = "set_booking_status",
    tag = "bookings",
    params(
        ("id" = Uuid, Path, description = "The booking"),
        ("status_param" = SettableStatus, Query, description = "The new state"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the version to change"),
    ),
    responses(
        (status = 200, description = "The booking as it is now", body = BookingView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "Horário fora do expediente configurado."),
        (status = 404, description = "Reserva não encontrada"),
        (status = 409, description = "Recurso já possui reserva neste intervalo"),
        (status = 412, description = "A reserva foi alterada por outra requisição."),
    )
)]
pub(super) async fn set_booking_status(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    Id(id): Id,
    wanted: Precondition,
    Params(query): Params<Query>,
) -> Result<Tagged, Problem> {
    let booking =
        bookings.set_status(&caller, id, query.status, &wanted, context.request_id()).await?;
    Ok(Tagged(StatusCode::OK, booking))
}
