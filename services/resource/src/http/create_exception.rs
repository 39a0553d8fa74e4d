//! `POST /exceptions/`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use common::http::{Body, Context, Outcome};
use contracts::exception::{CreateException, ExceptionView};

use super::manager::Manager;
use crate::app::Directory;

/// Make an exception: other hours on some dates, or a closure.
///
/// It holds for every resource of its target at once. Bookings that lie in it stay.
#[utoipa::path(
    post,
    path = "/exceptions/",
    operation_id = "create_exception",
    tag = "exceptions",
    request_body = CreateException,
    responses(
        (status = 201, description = "The exception", body = ExceptionView),
        (status = 404, description = "Categoria não encontrada"),
        (status = 409, description = "Limite de 500 exceções por nível."),
    ),
)]
pub(super) async fn create_exception(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    context: Context,
    Body(wish): Body<CreateException>,
) -> Outcome<(StatusCode, Json<ExceptionView>)> {
    context.note_tenant(wish.tenant_id);
    let exception = directory.create_exception(&caller, context.request_id(), wish).await?;
    Ok((StatusCode::CREATED, Json(exception)))
}
