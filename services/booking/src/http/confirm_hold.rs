//! `POST /bookings/holds/{id}/confirm`

use axum::extract::State;
use common::auth::Caller;
use common::db::Answer;
use common::http::{Body, Context, Id, IdempotencyKey, Outcome};
use common::version::Precondition;
use contracts::booking::BookingView;
use contracts::hold::HoldToken;

use crate::app::Bookings;

/// Make a hold a booking.
///
/// It becomes `pendente` or `confirmado` as a new booking would. Until it expires this succeeds even if
/// the rules have changed or limits are reached meanwhile; only a resource or user that is gone is 404.
/// Afterwards it is 410 `hold_expired`. Again with the same token: the booking as it is then.
#[utoipa::path(
    post,
    path = "/bookings/holds/{id}/confirm",
    operation_id = "confirm_hold",
    tag = "holds",
    params(
        ("id" = Uuid, Path, description = "The hold"),
        Precondition,
        IdempotencyKey,
    ),
    request_body = HoldToken,
    responses(
        (status = 200, description = "The booking it has become", body = BookingView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Reserva não encontrada"),
        (status = 410, description = "A retenção expirou."),
        (status = 412, description = "A reserva foi alterada por outra requisição."),
    )
)]
pub(super) async fn confirm_hold(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    Id(id): Id,
    wanted: Precondition,
    key: IdempotencyKey,
    Body(body): Body<HoldToken>,
) -> Outcome<Answer> {
    let (once, trace_id) = (key.by(&caller), context.request_id());
    let hold = (id, body.hold_token.as_str());
    Ok(bookings.confirm_hold(&caller, &once, hold, &wanted, trace_id).await?)
}
