//! `GET /internal/v1/resources/{id}` and `GET /internal/v1/resources?tenant_id=&category_id=`.

use axum::Json;
use axum::extract::State;
use common::http::{Id, Outcome, Params};
use contracts::facts::{CategoryFacts, ResourceFacts};
use contracts::form::{Decode, Form, uuid};
use uuid::Uuid;

use crate::app::Directory;

/// A resource as neighbours need it, of whatever tenant: they check it themselves.
pub(super) async fn resource_facts(
    State(directory): State<Directory>,
    Id(id): Id,
) -> Outcome<Json<ResourceFacts>> {
    Ok(Json(directory.resource_facts(id).await?))
}

pub(super) struct Query {
    tenant: Uuid,
    category: Uuid,
}

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant = form.required("tenant_id", uuid);
        let category = form.required("category_id", uuid);
        Some(Self { tenant: tenant?, category: category? })
    }
}

/// The bookable resources of a tenant's category.
pub(super) async fn category_facts(
    State(directory): State<Directory>,
    Params(query): Params<Query>,
) -> Outcome<Json<CategoryFacts>> {
    Ok(Json(directory.category_facts(query.tenant, query.category).await?))
}
