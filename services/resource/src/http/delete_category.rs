//! `DELETE /categories/{id}`.

use axum::extract::State;
use axum::http::StatusCode;
use common::http::{Id, Outcome};
use common::version::Precondition;

use super::manager::Manager;
use crate::app::Directory;

/// Delete a category that no resource uses.
#[utoipa::path(
    delete,
    path = "/categories/{id}",
    operation_id = "delete_category",
    tag = "categories",
    params(("id" = Uuid, Path, description = "The category"), Precondition),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "Categoria não encontrada"),
        (status = 409, description = "Categoria em uso por recursos."),
    ),
)]
pub(super) async fn delete_category(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    Id(id): Id,
    wanted: Precondition,
) -> Outcome<StatusCode> {
    directory.delete_category(&caller, id, &wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}
