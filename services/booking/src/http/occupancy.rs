//! `GET /internal/v1/occupancy`

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use common::http::{Params, Problem};
use contracts::facts::OccupancyView;
use contracts::form::{Decode, Faults, Form, uuid};
use scheduling::TimeInput;
use serde_json::Value;
use uuid::Uuid;

use crate::app::Bookings;

pub(super) struct Query {
    tenant: Uuid,
    resource: Uuid,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant = form.required("tenant_id", uuid);
        let resource = form.required("resource_id", uuid);
        let from = form.required("from", instant);
        let to = form.required("to", instant);
        Some(Self { tenant: tenant?, resource: resource?, from: from?, to: to? })
    }
}

pub(super) fn instant(value: &Value, faults: &mut Faults) -> Option<DateTime<Utc>> {
    match value.as_str().and_then(TimeInput::parse) {
        Some(TimeInput::Instant(instant)) => Some(instant),
        Some(TimeInput::Local(_)) | None => faults.add("format", "must be an instant"),
    }
}

/// The busy intervals of a resource, for the resource service.
pub(super) async fn occupancy(
    State(bookings): State<Bookings>,
    Params(query): Params<Query>,
) -> Result<Json<OccupancyView>, Problem> {
    let Query { tenant, resource, from, to } = query;
    Ok(Json(bookings.occupancy(tenant, resource, from, to).await?))
}
