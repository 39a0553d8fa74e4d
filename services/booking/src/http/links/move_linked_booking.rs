//! `PUT /bookings/links/{token}`

use axum::extract::State;
use common::http::{Body, Context, Outcome};
use common::version::{Precondition, Versioned};
use contracts::link::{LinkedBookingView, MoveBooking};

use super::{Linked, refused};
use crate::app::Bookings;

/// Move a booking by a link.
///
/// Public: the token is the proof. The rules are those of an edit by the booking's owner: notice, hours,
/// limits, capacity; a confirmed booking that has to be approved is `pendente` again. 409 does not say
/// which bookings are in the way.
#[utoipa::path(
    put,
    path = "/bookings/links/{token}",
    operation_id = "move_linked_booking",
    tag = "links",
    security(()),
    params(
        ("token" = String, Path, description = "The token of the link",
            pattern = "^ml_[A-Za-z0-9_-]{96}$"),
        Precondition,
    ),
    request_body = MoveBooking,
    responses(
        (status = 200, description = "The booking as it is now", body = LinkedBookingView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "Horário fora do expediente configurado."),
        (status = 403, description = "Este link não permite esta ação."),
        (status = 404, description = "Link não encontrado"),
        (status = 409, description = "Recurso já possui reserva neste intervalo"),
        (status = 410, description = "O link expirou."),
        (status = 412, description = "A reserva foi alterada por outra requisição."),
    )
)]
pub(super) async fn move_linked_booking(
    State(bookings): State<Bookings>,
    Linked(opened): Linked,
    context: Context,
    wanted: Precondition,
    Body(to): Body<MoveBooking>,
) -> Outcome<Versioned<LinkedBookingView>> {
    let moved = bookings.move_by_link(&opened, to, &wanted, context.request_id()).await;
    moved.map_err(refused)
}
