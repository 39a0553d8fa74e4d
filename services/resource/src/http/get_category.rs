//! `GET /categories/{id}`.

use axum::extract::State;
use common::auth::Caller;
use common::http::{Id, Outcome};
use common::version::Versioned;
use contracts::resource::CategoryView;

use crate::app::Directory;

/// Read a category.
#[utoipa::path(
    get,
    path = "/categories/{id}",
    operation_id = "get_category",
    tag = "categories",
    params(("id" = Uuid, Path, description = "The category")),
    responses(
        (status = 200, description = "The category", body = CategoryView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Categoria não encontrada"),
    ),
)]
pub(super) async fn get_category(
    caller: Caller,
    State(directory): State<Directory>,
    Id(id): Id,
) -> Outcome<Versioned<CategoryView>> {
    Ok(directory.category(caller.scope(), id).await?)
}
