//! `POST /calendars/`

use axum::extract::State;
use common::auth::Caller;
use common::db::Answer;
use common::http::{Body, Context, IdempotencyKey, Origin, Outcome};
use contracts::calendar::{CreateCalendar, CreatedCalendar};

use crate::app::Bookings;

/// Make a calendar that other programs subscribe to.
///
/// Of a user's bookings: the user, or an admin. Of a resource's: who may view all bookings. Only in person:
/// API keys and operators get 403. The `url` is shown once and is all it takes to read the calendar; it is
/// good until the calendar is deleted, and while its maker may see these bookings. 20 of one user: 409
/// `too_many_calendars` beyond.
#[utoipa::path(
    post,
    path = "/calendars/",
    operation_id = "create_calendar",
    tag = "calendars",
    params(IdempotencyKey),
    request_body = CreateCalendar,
    responses(
        (status = 201, description = "The calendar, with its address", body = CreatedCalendar),
        (status = 404, description = "Recurso não encontrado"),
        (status = 409, description = "Limite de 20 calendários por usuário atingido."),
    )
)]
pub(super) async fn create_calendar(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    Origin(origin): Origin,
    key: IdempotencyKey,
    Body(asked): Body<CreateCalendar>,
) -> Outcome<Answer> {
    context.note_tenant(asked.tenant_id);
    caller.within(asked.tenant_id)?;
    caller.in_person()?;
    Ok(bookings.create_calendar(&caller, &key.by(&caller), &asked, &origin).await?)
}
