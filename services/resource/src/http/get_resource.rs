//! `GET /resources/{id}`.

use axum::extract::State;
use common::auth::Caller;
use common::http::{Id, Outcome};
use common::version::Versioned;
use contracts::resource::ResourceView;

use crate::app::Directory;

/// Read a resource.
#[utoipa::path(
    get,
    path = "/resources/{id}",
    operation_id = "get_resource",
    tag = "resources",
    params(("id" = Uuid, Path, description = "The resource")),
    responses(
        (status = 200, description = "The resource", body = ResourceView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Recurso não encontrado"),
    ),
)]
pub(super) async fn get_resource(
    caller: Caller,
    State(directory): State<Directory>,
    Id(id): Id,
) -> Outcome<Versioned<ResourceView>> {
    Ok(directory.resource(caller.scope(), id).await?)
}
