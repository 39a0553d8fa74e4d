//! `POST /bookings/{id}/links`

use axum::extract::State;
use common::auth::Caller;
use common::db::Answer;
use common::http::{Id, IdempotencyKey, OptionalBody, Origin, Outcome};
use contracts::link::{CreateLink, NewLinkView};

use crate::app::Bookings;

/// Make a link to a booking.
///
/// By whoever may change it. Who has the link sees this booking without an account, and may move or cancel
/// it by its owner's rules, until `expires_at`. The token is in this answer and nowhere else: who repeats
/// the request with its `Idempotency-Key` sees it again for 24 hours, nobody without. At most 10 living
/// links a booking.
#[utoipa::path(
    post,
    path = "/bookings/{id}/links",
    operation_id = "create_link",
    tag = "links",
    params(("id" = Uuid, Path, description = "The booking"), IdempotencyKey),
    request_body = Option<CreateLink>,
    responses(
        (status = 201, description = "The link, with its token", body = NewLinkView),
        (status = 400, description = "Uma retenção só pode ser confirmada, prorrogada ou liberada."),
        (status = 404, description = "Reserva não encontrada"),
        (status = 409, description = "A reserva já tem 10 links ativos."),
    )
)]
pub(super) async fn create_link(
    State(bookings): State<Bookings>,
    caller: Caller,
    Id(id): Id,
    Origin(origin): Origin,
    key: IdempotencyKey,
    OptionalBody(asked): OptionalBody<CreateLink>,
) -> Outcome<Answer> {
    Ok(bookings.create_link(&caller, id, &key.by(&caller), &asked, &origin).await?)
}
