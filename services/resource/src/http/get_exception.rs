//! `GET /exceptions/{id}`.

use axum::Json;
use axum::extract::State;
use common::auth::Caller;
use common::http::{Id, Outcome};
use contracts::exception::ExceptionView;

use crate::app::Directory;

/// Read an exception.
#[utoipa::path(
    get,
    path = "/exceptions/{id}",
    operation_id = "get_exception",
    tag = "exceptions",
    params(("id" = Uuid, Path, description = "The exception")),
    responses(
        (status = 200, description = "The exception", body = ExceptionView),
        (status = 404, description = "Exceção não encontrada"),
    ),
)]
pub(super) async fn get_exception(
    caller: Caller,
    State(directory): State<Directory>,
    Id(id): Id,
) -> Outcome<Json<ExceptionView>> {
    Ok(Json(directory.exception(caller.scope(), id).await?))
}
