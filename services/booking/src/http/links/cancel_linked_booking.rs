//! `DELETE /bookings/links/{token}`

use axum::extract::State;
use common::http::{Context, OptionalBody, Outcome};
use common::version::{Precondition, Versioned};
use contracts::booking::CancelBooking;
use contracts::link::LinkedBookingView;

use super::{Linked, refused};
use crate::app::Bookings;

/// Cancel a booking by a link.
///
/// Public: the token is the proof. The rules are those of its owner's cancellation; cancelling twice is a
/// success without effect. The link shows the cancelled booking until it ends.
#[utoipa::path(
    delete,
    path = "/bookings/links/{token}",
    operation_id = "cancel_linked_booking",
    tag = "links",
    security(()),
    params(
        ("token" = String, Path, description = "The token of the link",
            pattern = "^ml_[A-Za-z0-9_-]{96}$"),
        Precondition,
    ),
    request_body = Option<CancelBooking>,
    responses(
        (status = 200, description = "The cancelled booking", body = LinkedBookingView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "Cancelamento permitido somente até 24 horas antes do início."),
        (status = 403, description = "Este link não permite esta ação."),
        (status = 404, description = "Link não encontrado"),
        (status = 410, description = "O link expirou."),
        (status = 412, description = "A reserva foi alterada por outra requisição."),
    )
)]
pub(super) async fn cancel_linked_booking(
    State(bookings): State<Bookings>,
    Linked(opened): Linked,
    context: Context,
    wanted: Precondition,
    OptionalBody(body): OptionalBody<CancelBooking>,
) -> Outcome<Versioned<LinkedBookingView>> {
    let id = context.request_id();
    bookings.cancel_by_link(&opened, body.reason, &wanted, id).await.map_err(refused)
}
