//! `DELETE /bookings/holds/{id}`

use axum::extract::State;
use axum::http::HeaderMap;
use common::auth::Caller;
use common::http::{Context, Id, Problem};
use common::version::Precondition;
use http::StatusCode;

use crate::app::Bookings;

/// Where the token of a hold stands in a request without a body.
const HOLD_TOKEN: &str = "x-hold-token";

/// Give a hold back.
///
/// The place is free at once. The token stands in a header, where no log keeps it; admins need none. A
/// hold that is over is given back already: 204.
#[utoipa::path(
    delete,
    path = "/bookings/holds/{id}",
    operation_id = "release_hold",
    tag = "holds",
    params(
        ("id" = Uuid, Path, description = "The hold"),
        ("X-Hold-Token" = Option<String>, Header, description = "The `hold_token`; an admin may leave it out"),
        Precondition,
    ),
    responses(
        (status = 204, description = "The place is free"),
        (status = 404, description = "Reserva não encontrada"),
        (status = 409, description = "A retenção já foi confirmada."),
        (status = 412, description = "A reserva foi alterada por outra requisição."),
    )
)]
pub(super) async fn release_hold(
    State(bookings): State<Bookings>,
    caller: Caller,
    context: Context,
    Id(id): Id,
    wanted: Precondition,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let token = headers.get(HOLD_TOKEN).map(|value| value.to_str().unwrap_or_default());
    bookings.release_hold(&caller, id, token, &wanted, context.request_id()).await?;
    Ok(StatusCode::NO_CONTENT)
}
