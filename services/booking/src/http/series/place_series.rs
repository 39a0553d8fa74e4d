//! `POST /bookings/series`

use axum::extract::State;
use chrono::{DateTime, Utc};
use common::auth::Caller;
use common::db::Answer;
use common::http::{Body, Context, IdempotencyKey, Outcome};
use contracts::series::{PlaceSeries, PreviewedBooking, SeriesMade, SeriesMode, SeriesPreview};
use contracts::text::Language;
use sea_orm::DbErr;

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
    params(IdempotencyKey),
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
    key: IdempotencyKey,
    Body(request): Body<PlaceSeries>,
) -> Outcome<Answer> {
    context.note_tenant(request.tenant_id);
    let (booking, rule, mode) = request.parts().ok_or(crate::error::Error::from(Joint::Empty))?;
    let (once, language) = (key.by(&caller), context.language());
    let answer = |outcome| answer(outcome, language, bookings.clock.now());
    let asked = (&booking, &rule, mode);
    Ok(bookings.place_series(&caller, &once, asked, &answer, context.request_id()).await?)
}

fn answer(outcome: SeriesOutcome, language: Language, now: DateTime<Utc>) -> Result<Answer, DbErr> {
    let SeriesOutcome { id, mode, bookings, refused, shifted, missing, ended } = outcome;
    let skipped = told(refused, language);
    match mode {
        SeriesMode::Preview => {
            let bookings = bookings.iter().map(previewed).collect();
            Answer::done(&SeriesPreview { mode, bookings, skipped, shifted, missing, ended })
        }
        SeriesMode::Fail | SeriesMode::Skip => {
            let bookings = bookings.into_iter().map(|booking| booking.view(now)).collect();
            let made =
                SeriesMade { series_id: id, mode, bookings, skipped, shifted, missing, ended };
            Answer::created(&made)
        }
    }
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
