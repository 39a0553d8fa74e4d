//! `POST /bookings/holds/{id}/extend`

use axum::extract::State;
use common::auth::Caller;
use common::db::Answer;
use common::http::{Body, Context, Id, IdempotencyKey, Outcome};
use common::version::Precondition;
use contracts::booking::BookingView;
use contracts::hold::HoldToken;

use crate::app::Bookings;

/// Give a hold as much time again, once.
///
/// `expires_at` moves on by the tenant's `hold_minutes`, no further than to the start. A second time it is
/// 409 `already_extended`.
#[utoipa::path(
    post,
    path = "/bookings/holds/{id}/extend",
    operation_id = "extend_hold",
    tag = "holds",
    params(
        ("id" = Uuid, Path, description = "The hold"),
        Precondition,
        IdempotencyKey,
    ),
    request_body = HoldToken,
    responses(
        (status = 200, description = "The hold as it is now", body = BookingView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Reserva não encontrada"),
        (status = 409, description = "A retenção já foi prorrogada."),
        (status = 410, description = "A retenção expirou."),
        (status = 412, description = "A reserva foi alterada por outra requisição."),
    )
)]
pub(super) async fn extend_hold(
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
    Ok(bookings.extend_hold(&caller, &once, hold, &wanted, trace_id).await?)
}
