//! `POST /bookings/waitlist`

use axum::extract::State;
use common::auth::Caller;
use common::db::Answer;
use common::http::{Body, Context, IdempotencyKey, Outcome};
use contracts::waitlist::{JoinWaitlist, WaitlistView};

use crate::app::Bookings;

/// Wait for a time that is full.
///
/// The time has to be one that could be booked were it not taken; what is free is to be booked: 409
/// `slot_is_free`. When a place becomes free the first whose wish fits gets it as a hold of the tenant's
/// `hold_minutes`, with the event `waitlist.offered`; the entry then shows the hold and, to who waits,
/// its token. What is not confirmed in time goes to the next. The entry goes when its time begins.
#[utoipa::path(
    post,
    path = "/bookings/waitlist",
    operation_id = "join_waitlist",
    tag = "waitlist",
    params(IdempotencyKey),
    request_body = JoinWaitlist,
    responses(
        (status = 201, description = "The entry, with its position", body = WaitlistView),
        (status = 400, description = "Limite de 20 lugares em listas de espera atingido."),
        (status = 404, description = "Recurso não encontrado"),
        (status = 409, description = "O horário está livre: faça a reserva."),
    )
)]
pub(super) async fn join_waitlist(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    key: IdempotencyKey,
    Body(asked): Body<JoinWaitlist>,
) -> Outcome<Answer> {
    context.note_tenant(asked.tenant_id);
    Ok(bookings.join_waitlist(&caller, &key.by(&caller), &asked).await?)
}
