//! `GET /bookings/{id}/calendar.ics`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use common::auth::Caller;
use common::http::{Context, Id, Outcome};

use super::calendar_file;
use crate::app::Bookings;

/// Read one booking as a calendar file: its owner, an admin, or who may view all.
///
/// An event (RFC 5545) by the clock of the booking's zone. Its `UID` never changes, its `SEQUENCE` is the
/// booking's version; a cancelled booking is an event with `STATUS:CANCELLED`. A hold is no event yet: 400.
#[utoipa::path(
    get,
    path = "/bookings/{id}/calendar.ics",
    operation_id = "booking_calendar",
    tag = "calendars",
    params(
        ("id" = Uuid, Path, description = "The booking"),
        ("if-none-match" = Option<String>, Header, description = "`ETag`s of files that the client has"),
    ),
    responses(
        (status = 200, description = "The file", body = String, content_type = "text/calendar",
            headers(
                ("ETag" = String, description = "Strong: equal files have one, others another"),
                ("Cache-Control" = String, description = "`private, no-cache`"),
                ("Content-Disposition" = String, description = "`attachment`, with a file name"),
            )),
        (status = 304, description = "The client has this file"),
        (status = 400, description = "Uma retenção só pode ser confirmada, prorrogada ou liberada."),
        (status = 404, description = "Reserva não encontrada"),
    )
)]
pub(super) async fn booking_calendar(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    headers: HeaderMap,
    Id(id): Id,
) -> Outcome<Response> {
    let sheet = bookings.booking_sheet(&caller, id).await?;
    context.note_tenant(sheet.tenant);
    Ok(calendar_file::tagged(sheet, "attachment", &headers))
}
