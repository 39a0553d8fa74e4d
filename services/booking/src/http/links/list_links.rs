//! `GET /bookings/{id}/links`

use axum::Json;
use axum::extract::State;
use common::auth::Caller;
use common::http::{Id, Outcome};
use contracts::link::LinkView;

use crate::app::Bookings;

/// List the living links to a booking, the oldest first.
///
/// For whoever may change it. At most 10; their tokens are not in it.
#[utoipa::path(
    get,
    path = "/bookings/{id}/links",
    operation_id = "list_links",
    tag = "links",
    params(("id" = Uuid, Path, description = "The booking")),
    responses(
        (status = 200, description = "The links", body = Vec<LinkView>),
        (status = 404, description = "Reserva não encontrada"),
    )
)]
pub(super) async fn list_links(
    State(bookings): State<Bookings>,
    caller: Caller,
    Id(id): Id,
) -> Outcome<Json<Vec<LinkView>>> {
    Ok(Json(bookings.links_of(&caller, id).await?))
}
