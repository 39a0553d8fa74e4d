//! `GET /calendars/feeds/{secret}`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use common::http::{Context, Outcome};
use contracts::calendar::CALENDAR_SUFFIX;

use super::calendar_file;
use crate::app::Bookings;

/// Read a calendar by its address.
///
/// The address is all it takes: programs that subscribe have no token. Bookings that begin from 90 days back
/// to 400 days ahead, at most 5,000; cancelled ones stay, with `STATUS:CANCELLED`. A calendar that was
/// revoked, or whose owner may not see it any more, is 404 as one that never was.
#[utoipa::path(
    get,
    path = "/calendars/feeds/{secret}",
    operation_id = "calendar_feed",
    tag = "calendars",
    security(()),
    params(
        ("secret" = String, Path, description = "The last part of the calendar's `url`", pattern = "^mc_[A-Za-z0-9_-]{43}\\.ics$"),
        ("if-none-match" = Option<String>, Header, description = "`ETag`s of files that the client has"),
    ),
    responses(
        (status = 200, description = "The calendar", body = String, content_type = "text/calendar",
            headers(
                ("ETag" = String, description = "Strong: equal files have one, others another"),
                ("Cache-Control" = String, description = "`private, no-cache`"),
                ("Content-Disposition" = String, description = "`inline`, with a file name"),
            )),
        (status = 304, description = "The client has this file"),
        (status = 404, description = "Calendário não encontrado"),
    )
)]
pub(super) async fn calendar_feed(
    State(bookings): State<Bookings>,
    context: Context,
    headers: HeaderMap,
    part: Result<Path<String>, PathRejection>,
) -> Outcome<Response> {
    // What is no text is no secret either.
    let part = part.map(|Path(part)| part).unwrap_or_default();
    let secret = part.strip_suffix(CALENDAR_SUFFIX).unwrap_or_default();
    let sheet = bookings.feed_sheet(secret).await?;
    context.note_tenant(sheet.tenant);
    Ok(calendar_file::tagged(sheet, "inline", &headers))
}
