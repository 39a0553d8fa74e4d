//! `GET /exceptions/{id}`.

use axum::extract::State;
use common::auth::Caller;
use common::http::{Id, Outcome};
use common::version::Versioned;
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
        (status = 200, description = "The exception", body = ExceptionView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Exceção não encontrada"),
    ),
)]
pub(super) async fn get_exception(
    caller: Caller,
    State(directory): State<Directory>,
    Id(id): Id,
) -> Outcome<Versioned<ExceptionView>> {
    Ok(directory.exception(caller.scope(), id).await?)
}
