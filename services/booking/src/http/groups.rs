//! `POST /bookings/groups`, `PATCH /bookings/groups/{id}/cancel`

use axum::Json;
use axum::extract::State;
use common::auth::Caller;
use common::db::Answer;
use common::http::{Body, Context, Id, IdempotencyKey, OptionalBody, Outcome};
use contracts::booking::CancelBooking;
use contracts::group::{GroupView, PlaceGroup};

use crate::app::Bookings;

/// Book several resources at one time, all or none.
///
/// Resources by name, or any so many of a category: of those the first free ones by name. A refusal with
/// 409 tells in `items` which item cannot be met and how many resources are free for it.
#[utoipa::path(
    post,
    path = "/bookings/groups",
    operation_id = "place_group",
    tag = "bookings",
    params(IdempotencyKey),
    request_body = PlaceGroup,
    responses(
        (status = 201, description = "The group and its bookings", body = GroupView),
        (status = 400, description = "Horário fora do expediente configurado."),
        (status = 404, description = "Recurso não encontrado"),
        (status = 409, description = "Não há recursos livres suficientes neste horário."),
    )
)]
pub(super) async fn place_group(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    key: IdempotencyKey,
    Body(request): Body<PlaceGroup>,
) -> Outcome<Answer> {
    context.note_tenant(request.tenant_id);
    let once = key.by(&caller);
    Ok(bookings.place_group(&caller, &once, &request, context.request_id()).await?)
}

/// Cancel every booking of a group that is still active, or none: if it is too late for one of them, they
/// all stay.
#[utoipa::path(
    patch,
    path = "/bookings/groups/{id}/cancel",
    operation_id = "cancel_group",
    tag = "bookings",
    params(("id" = Uuid, Path, description = "The group")),
    request_body = Option<CancelBooking>,
    responses(
        (status = 200, description = "The group as it is now", body = GroupView),
        (status = 400, description = "Cancelamento permitido somente até 24 horas antes do início."),
        (status = 404, description = "Grupo não encontrado"),
    )
)]
pub(super) async fn cancel_group(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    Id(id): Id,
    OptionalBody(body): OptionalBody<CancelBooking>,
) -> Outcome<Json<GroupView>> {
    let reason = body.reason.as_deref();
    let found = bookings.cancel_group(&caller, id, reason, context.request_id()).await?;
    Ok(Json(bookings.group(id, found)))
}
