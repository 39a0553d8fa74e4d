//! `DELETE /calendars/{id}`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Id, Problem};
use http::StatusCode;

use crate::app::Bookings;

/// Revoke a calendar: its maker, whose bookings it shows, or an admin. Its address is 404 from then on.
#[utoipa::path(
    delete,
    path = "/calendars/{id}",
    operation_id = "delete_calendar",
    tag = "calendars",
    params(("id" = Uuid, Path, description = "The calendar")),
    responses(
        (status = 204, description = "It shows nothing any more"),
        (status = 404, description = "Calendário não encontrado"),
    )
)]
pub(super) async fn delete_calendar(
    State(bookings): State<Bookings>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    bookings.delete_calendar(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
