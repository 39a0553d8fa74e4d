//! `DELETE /bookings/{id}/links/{link_id}`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Id, Outcome};
use http::StatusCode;

use super::LinkId;
use crate::app::Bookings;

/// Take a link back. By whoever may change the booking; it opens nothing from then on.
#[utoipa::path(
    delete,
    path = "/bookings/{id}/links/{link_id}",
    operation_id = "revoke_link",
    tag = "links",
    params(
        ("id" = Uuid, Path, description = "The booking"),
        ("link_id" = Uuid, Path, description = "The link"),
    ),
    responses(
        (status = 204, description = "It opens nothing any more"),
        (status = 404, description = "Link não encontrado"),
    )
)]
pub(super) async fn revoke_link(
    State(bookings): State<Bookings>,
    caller: Caller,
    Id(id): Id,
    LinkId(link): LinkId,
) -> Outcome<StatusCode> {
    bookings.revoke_link(&caller, id, link).await?;
    Ok(StatusCode::NO_CONTENT)
}
