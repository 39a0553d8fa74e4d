//! `GET /internal/v1/occupancy/batch`

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use common::http::{Params, Problem};
use contracts::facts::OccupancyBatch;
use contracts::form::{Decode, Faults, Form, text, uuid};
use contracts::page::decode_cursor;
use serde_json::Value;
use uuid::Uuid;

use super::occupancy::instant;
use crate::app::Bookings;
use crate::store::{ClaimKey, ClaimsOf};

/// The most resources of one question.
const MOST: usize = 200;

pub(super) struct Query(ClaimsOf);

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant = form.required("tenant_id", uuid);
        let from: Option<DateTime<Utc>> = form.required("from", instant);
        let ids = form.required("ids", ids);
        let after = form.optional("cursor", cursor);
        let (tenant, resources, from, after) = (tenant?, ids?, from?, after?);
        Some(Self(ClaimsOf { tenant, resources, from, to: None, after }))
    }
}

pub(super) fn ids(value: &Value, faults: &mut Faults) -> Option<Vec<Uuid>> {
    let list = value.as_str().unwrap_or_default().split(',');
    let read: Option<Vec<Uuid>> = list.map(|id| Uuid::try_parse(id).ok()).collect();
    match read {
        Some(read) if read.len() <= MOST => Some(read),
        Some(_) | None => faults.add("format", "must be a list of ids, not too long"),
    }
}

pub(super) fn cursor(value: &Value, faults: &mut Faults) -> Option<ClaimKey> {
    let text = text(1, 2_048)(value, faults)?;
    decode_cursor(&text).or_else(|| faults.add("format", "must be a cursor"))
}

/// The claims of several resources, for the search of the resource service.
pub(super) async fn occupancy_batch(
    State(bookings): State<Bookings>,
    Params(Query(wanted)): Params<Query>,
) -> Result<Json<OccupancyBatch>, Problem> {
    Ok(Json(bookings.occupancy_batch(&wanted).await?))
}
