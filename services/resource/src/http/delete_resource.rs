//! `DELETE /resources/{id}`.

use axum::extract::State;
use axum::http::StatusCode;
use common::http::{Context, Id, Outcome};
use common::version::Precondition;

use super::manager::Manager;
use crate::app::Directory;

/// Delete a resource.
///
/// Its active bookings become `cancelado`, with the reason `Recurso deletado`.
#[utoipa::path(
    delete,
    path = "/resources/{id}",
    operation_id = "delete_resource",
    tag = "resources",
    params(("id" = Uuid, Path, description = "The resource"), Precondition),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "Recurso não encontrado"),
    ),
)]
pub(super) async fn delete_resource(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    context: Context,
    Id(id): Id,
    wanted: Precondition,
) -> Outcome<StatusCode> {
    directory.delete_resource(&caller, context.request_id(), id, &wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}
