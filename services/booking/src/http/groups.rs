//! `POST /bookings/groups`, `PATCH /bookings/groups/{id}/cancel`

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use common::auth::Caller;
use common::http::{Body, Context, Id, OptionalBody, Problem};
use contracts::booking::CancelBooking;
use contracts::group::{GroupView, PlaceGroup};
use http::StatusCode;
use uuid::Uuid;

use crate::app::Bookings;
use crate::store::Booking;

/// Book several resources at one time, all or none.
///
/// Resources by name, or any so many of a category: of those the first free ones by name. A refusal with
/// 409 tells in `items` which item cannot be met and how many resources are free for it.
#[utoipa::path(
    post,
    path = "/bookings/groups",
    operation_id = "place_group",
    tag = "bookings",
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
    Body(request): Body<PlaceGroup>,
) -> Result<(StatusCode, Json<GroupView>), Problem> {
    context.note_tenant(request.tenant_id);
    let (id, made) = bookings.place_group(&caller, &request, context.request_id()).await?;
    Ok((StatusCode::CREATED, Json(view(id, made, bookings.clock.now()))))
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
) -> Result<Json<GroupView>, Problem> {
    let reason = body.reason.as_deref();
    let found = bookings.cancel_group(&caller, id, reason, context.request_id()).await?;
    Ok(Json(view(id, found, bookings.clock.now())))
}

fn view(id: Uuid, bookings: Vec<Booking>, now: DateTime<Utc>) -> GroupView {
    let bookings = bookings.into_iter().map(|booking| booking.view(now)).collect();
    GroupView { group_id: id, bookings }
}
