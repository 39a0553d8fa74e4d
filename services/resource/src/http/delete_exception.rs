//! `DELETE /exceptions/{id}`.

use axum::extract::State;
use axum::http::StatusCode;
use common::http::{Context, Id, Outcome};
use common::version::Precondition;

use super::manager::Manager;
use crate::app::Directory;

/// Delete an exception; its dates are like the others again.
#[utoipa::path(
    delete,
    path = "/exceptions/{id}",
    operation_id = "delete_exception",
    tag = "exceptions",
    params(("id" = Uuid, Path, description = "The exception"), Precondition),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "Exceção não encontrada"),
    ),
)]
pub(super) async fn delete_exception(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    context: Context,
    Id(id): Id,
    wanted: Precondition,
) -> Outcome<StatusCode> {
    directory.delete_exception(&caller, context.request_id(), id, &wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}
