//! `GET /calendars/resources/{id}/free-busy.ics`

use axum::extract::State;
use axum::response::Response;
use common::auth::Caller;
use common::http::{Context, Id, Outcome, Params};
use contracts::booking::DayOrTime;
use contracts::form::{Decode, Form};

use super::calendar_file;
use super::list_bookings::edge;
use crate::app::{Bookings, Edge};

pub(super) struct Query {
    from: Edge,
    to: Edge,
}

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let (from, to) = (form.required("from", edge), form.required("to", edge));
        Some(Self { from: from?, to: to? })
    }
}

/// Read when a resource is taken, as a calendar file.
///
/// One `VFREEBUSY` in UTC for `[from, to)`. `BUSY`: no place is left, the room around bookings and holds
/// included, merged. `BUSY-UNAVAILABLE`: outside of the open hours, closed, or not to be booked at all. The
/// same days may be asked for as of availability, at most 31 at once.
#[utoipa::path(
    get,
    path = "/calendars/resources/{id}/free-busy.ics",
    operation_id = "free_busy",
    tag = "calendars",
    params(
        ("id" = Uuid, Path, description = "The resource"),
        ("from" = inline(DayOrTime), Query, description = "Date or RFC 3339 time, not before today"),
        ("to" = inline(DayOrTime), Query, description = "Date or RFC 3339 time, at most 31 days later"),
    ),
    responses(
        (status = 200, description = "The file", body = String, content_type = "text/calendar",
            headers(("Content-Disposition" = String, description = "`inline`, with a file name"))),
        (status = 400, description = "Períodos limitados a 31 dias."),
        (status = 404, description = "Recurso não encontrado"),
    )
)]
pub(super) async fn free_busy(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    Id(id): Id,
    Params(Query { from, to }): Params<Query>,
) -> Outcome<Response> {
    let sheet = bookings.free_busy(&caller, id, (&from, &to)).await?;
    context.note_tenant(sheet.tenant);
    Ok(calendar_file::plain(sheet, "inline"))
}
