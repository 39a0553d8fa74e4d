//! `GET /bookings/links/{token}/slots`

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use common::http::{Outcome, Params};
use contracts::exception::date;
use contracts::form::{Decode, Form};
use contracts::link::LinkedSlotsView;

use super::Linked;
use crate::app::Bookings;

pub(super) struct Query {
    date: NaiveDate,
}

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        Some(Self { date: form.required("date", date)? })
    }
}

/// List where a booking can be moved by a link.
///
/// Public: the token is the proof. Every time of the day that is as long as the booking and can be had for
/// it, its own place counted as free; only its owner's limits may still refuse one.
#[utoipa::path(
    get,
    path = "/bookings/links/{token}/slots",
    operation_id = "list_linked_slots",
    tag = "links",
    security(()),
    params(
        ("token" = String, Path, description = "The token of the link",
            pattern = "^ml_[A-Za-z0-9_-]{96}$"),
        ("date" = NaiveDate, Query, description = "The civil day in the tenant's zone, `YYYY-MM-DD`"),
    ),
    responses(
        (status = 200, description = "The times", body = LinkedSlotsView),
        (status = 400, description = "Data deve ser igual ou posterior a hoje."),
        (status = 403, description = "Este link não permite esta ação."),
        (status = 404, description = "Link não encontrado"),
        (status = 410, description = "O link expirou."),
    )
)]
pub(super) async fn list_linked_slots(
    State(bookings): State<Bookings>,
    Linked(opened): Linked,
    Params(Query { date }): Params<Query>,
) -> Outcome<Json<LinkedSlotsView>> {
    Ok(Json(bookings.slots_by_link(&opened, date).await?))
}
