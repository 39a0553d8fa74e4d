//! `GET /internal/v1/resources/{id}`.

use axum::Json;
use axum::extract::State;
use common::http::{Id, Outcome};
use contracts::facts::ResourceFacts;

use crate::app::Directory;

/// A resource as neighbours need it, of whatever tenant: they check it themselves.
pub(super) async fn resource_facts(
    State(directory): State<Directory>,
    Id(id): Id,
) -> Outcome<Json<ResourceFacts>> {
    Ok(Json(directory.resource_facts(id).await?))
}
