//! `GET /internal/v1/occupancy/bookings`

use axum::Json;
use axum::extract::State;
use common::http::{Params, Problem};
use contracts::facts::BookingsBatch;
use contracts::form::{Decode, Form, uuid};

use super::occupancy::instant;
use super::occupancy_batch::{cursor, ids};
use crate::app::Bookings;
use crate::store::ClaimsOf;

pub(super) struct Query(ClaimsOf);

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant = form.required("tenant_id", uuid);
        let from = form.required("from", instant);
        let to = form.required("to", instant);
        let ids = form.required("ids", ids);
        let after = form.optional("cursor", cursor);
        let (tenant, resources, from, to, after) = (tenant?, ids?, from?, to?, after?);
        Some(Self(ClaimsOf { tenant, resources, from, to: Some(to), after }))
    }
}

/// The bookings of several resources, for the preview of settings of the resource service.
pub(super) async fn standing_batch(
    State(bookings): State<Bookings>,
    Params(Query(wanted)): Params<Query>,
) -> Result<Json<BookingsBatch>, Problem> {
    Ok(Json(bookings.standing_batch(&wanted).await?))
}
