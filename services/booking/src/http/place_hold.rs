//! `POST /bookings/holds`

use axum::extract::State;
use common::auth::Caller;
use common::db::Answer;
use common::http::{Body, ClientIp, Context, IdempotencyKey, Outcome};
use contracts::hold::{HoldView, PlaceHold};

use crate::app::Bookings;

/// Keep a place for a moment.
///
/// The same checks as for a booking, and the same conflicts: while it lives a hold takes its place as
/// a booking does. It lives for the tenant's `hold_minutes`, no longer than to its start, and dies by
/// itself. The `hold_token` is shown once. A user has at most 5 living holds, an address at most 20 in a
/// tenant: 429 `too_many_holds` tells by `retry_at` and `Retry-After` when the first of them expires.
/// Where nothing but holds of others is in the way, the refusal is 409 `held`, with both as well.
#[utoipa::path(
    post,
    path = "/bookings/holds",
    operation_id = "place_hold",
    tag = "holds",
    params(IdempotencyKey),
    request_body = PlaceHold,
    responses(
        (status = 201, description = "The hold, with its token", body = HoldView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "Horário fora do expediente configurado."),
        (status = 404, description = "Recurso não encontrado"),
        (status = 409, description = "Recurso já possui reserva neste intervalo"),
    )
)]
pub(super) async fn place_hold(
    State(bookings): State<Bookings>,
    caller: Caller,
    client: ClientIp,
    context: Context,
    key: IdempotencyKey,
    Body(asked): Body<PlaceHold>,
) -> Outcome<Answer> {
    context.note_tenant(asked.tenant_id);
    let once = key.by(&caller);
    Ok(bookings.hold(&caller, &once, &asked, client, context.request_id()).await?)
}
