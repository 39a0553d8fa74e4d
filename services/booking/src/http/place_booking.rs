//! `POST /bookings/`

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use common::auth::Caller;
use common::http::{Body, Context, Problem};
use contracts::booking::{BookingView, PlaceBooking};
use http::{HeaderName, HeaderValue, StatusCode};

use super::version::Tagged;
use crate::app::Bookings;
use crate::error::Error;
use crate::joint::Joint;

/// How many bookings a series was given.
const SERIES_COUNT: HeaderName = HeaderName::from_static("x-series-count");

/// Make a booking.
///
/// Checks, first failure wins: shape, authority, existence of resource and user, the resource's
/// status, future, advance window, duration, working hours, weekly schedule, conflict, grid. Times
/// without an offset are the tenant's local time.
///
/// With `recurring_enabled` and a `recurring_pattern` it makes a series, as `POST /bookings/series` does,
/// and answers its first booking; `X-Series-Count` tells how many were made.
#[utoipa::path(
    post,
    path = "/bookings/",
    operation_id = "place_booking",
    tag = "bookings",
    request_body = PlaceBooking,
    responses(
        (status = 201, description = "The booking", body = BookingView,
            headers(("ETag" = String, description = "The version, for `If-Match`"),
                ("X-Series-Count" = u32, description = "Of a series: how many bookings were made"))),
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
    Body(request): Body<PlaceBooking>,
) -> Result<Response, Problem> {
    context.note_tenant(request.tenant_id);
    let trace_id = context.request_id();
    if let Some(rule) = request.rule() {
        let mode = request.series_mode.unwrap_or_default();
        let series = bookings.place_series(&caller?, &request, &rule, mode, trace_id).await?;
        let count = HeaderValue::from(series.bookings.len());
        let first = series.bookings.into_iter().next().ok_or(Error::from(Joint::Empty))?;
        let first = Tagged(StatusCode::CREATED, first.view(bookings.clock.now()));
        return Ok(([(SERIES_COUNT, count)], first).into_response());
    }
    let booking = bookings.place(&caller?, request, trace_id).await?;
    Ok(Tagged(StatusCode::CREATED, booking).into_response())
}
