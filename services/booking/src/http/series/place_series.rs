//! `POST /bookings/series`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use common::auth::Caller;
use common::http::{Body, Context, Problem};
use contracts::series::{PlaceSeries, PreviewedBooking, SeriesMade, SeriesMode, SeriesPreview};
use http::StatusCode;

use super::told;
use crate::app::{Bookings, SeriesOutcome};
use crate::joint::Joint;
use crate::store::Booking;

/// Make a series: a booking for every occurrence of a rule.
///
/// The clock time is kept over changes of the clock. Every occurrence is judged as a booking by itself;
/// at most 400 in 24 months, and none beyond the advance window. With `fail` it is all or nothing, and
/// the refusal lists every occurrence in `occurrences`; with `skip` those that cannot be booked are left
/// out, unless that is all of them; `preview` writes nothing.
#[utoipa::path(
    post,
    path = "/bookings/series",
    operation_id = "place_series",
    tag = "bookings",
    request_body = PlaceSeries,
    responses(
        (status = 201, description = "The series and its bookings", body = SeriesMade),
        (status = 200, description = "With `mode: preview`: what would be made", body = SeriesPreview),
        (status = 400, description = "Horário fora do expediente configurado."),
        (status = 404, description = "Recurso não encontrado"),
        (status = 409, description = "Recurso já possui reserva neste intervalo"),
    )
)]
pub(super) async fn place_series(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    Body(request): Body<PlaceSeries>,
) -> Result<Response, Problem> {
    context.note_tenant(request.tenant_id);
    let (booking, rule, mode) = request.parts().ok_or(crate::error::Error::from(Joint::Empty))?;
    let outcome =
        bookings.place_series(&caller, &booking, &rule, mode, context.request_id()).await?;
    let now = bookings.clock.now();
    let SeriesOutcome { id, mode, bookings, refused, shifted, missing, ended } = outcome;
    let skipped = told(refused, &context);
    Ok(match mode {
        SeriesMode::Preview => {
            let bookings = bookings.iter().map(previewed).collect();
            let preview = SeriesPreview { mode, bookings, skipped, shifted, missing, ended };
            (StatusCode::OK, Json(preview)).into_response()
        }
        SeriesMode::Fail | SeriesMode::Skip => {
            let bookings = bookings.into_iter().map(|booking| booking.view(now)).collect();
            let answer =
                SeriesMade { series_id: id, mode, bookings, skipped, shifted, missing, ended };
            (StatusCode::CREATED, Json(answer)).into_response()
        }
    })
}

fn previewed(booking: &Booking) -> PreviewedBooking {
    PreviewedBooking {
        resource_id: booking.resource_id,
        start_time: booking.start_time,
        end_time: booking.end_time,
        status: booking.status(),
        quantity: u32::try_from(booking.quantity).unwrap_or(1),
    }
}
