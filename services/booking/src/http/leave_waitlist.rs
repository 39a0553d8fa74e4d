//! `DELETE /bookings/waitlist/{id}`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Context, Id, Problem};
use http::StatusCode;

use crate::app::Bookings;

/// Leave the waiting list. A place that is held for the entry goes to the next.
#[utoipa::path(
    delete,
    path = "/bookings/waitlist/{id}",
    operation_id = "leave_waitlist",
    tag = "waitlist",
    params(("id" = Uuid, Path, description = "The entry")),
    responses(
        (status = 204, description = "Nobody waits any more"),
        (status = 404, description = "Entrada da lista de espera não encontrada"),
    )
)]
pub(super) async fn leave_waitlist(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    bookings.leave_waitlist(&caller, id, context.request_id()).await?;
    Ok(StatusCode::NO_CONTENT)
}
