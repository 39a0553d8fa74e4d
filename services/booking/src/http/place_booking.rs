//! `POST /bookings/`

use axum::extract::State;
use common::auth::Caller;
use common::db::Answer;
use common::http::{Body, Context, IdempotencyKey, Outcome, Problem};
use contracts::booking::{BookingView, PlaceBooking};
use sea_orm::DbErr;

use crate::app::{Bookings, SeriesOutcome, versioned};

/// How many bookings a series was given.
const SERIES_COUNT: &str = "x-series-count";

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
    params(IdempotencyKey),
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
    key: IdempotencyKey,
    Body(request): Body<PlaceBooking>,
) -> Outcome<Answer> {
    context.note_tenant(request.tenant_id);
    let caller = caller?;
    let (once, trace_id) = (key.by(&caller), context.request_id());
    let Some(rule) = request.rule() else {
        return Ok(bookings.place(&caller, &once, &request, trace_id).await?);
    };
    let mode = request.series_mode.unwrap_or_default();
    let first = |made: SeriesOutcome| {
        let count = made.bookings.len();
        let first = made.bookings.into_iter().next();
        let first = first.ok_or_else(|| DbErr::Custom("a series without bookings".to_owned()))?;
        let answer = Answer::made(&versioned(first.view(bookings.clock.now())))?;
        Ok(answer.with(SERIES_COUNT, count))
    };
    Ok(bookings.place_series(&caller, &once, (&request, &rule, mode), &first, trace_id).await?)
}
