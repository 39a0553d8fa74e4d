//! `POST /internal/v1/capacity`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use common::http::{Body, Problem, StatusCode};
use contracts::facts::{CapacityInTheWay, CapacityLowering};

use crate::app::Bookings;

/// Promises, for the resource service, that no more than the new capacity will be booked; or lists the
/// bookings that need more.
pub(super) async fn lower_capacity(
    State(bookings): State<Bookings>,
    Body(lowering): Body<CapacityLowering>,
) -> Result<Response, Problem> {
    let conflicts = bookings.lower_capacity(&lowering).await?;
    Ok(if conflicts.is_empty() {
        StatusCode::NO_CONTENT.into_response()
    } else {
        (StatusCode::CONFLICT, Json(CapacityInTheWay { conflicts })).into_response()
    })
}
