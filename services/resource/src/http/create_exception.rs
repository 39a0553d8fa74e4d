//! `POST /exceptions/`.

use axum::extract::State;
use common::db::Answer;
use common::http::{Body, Context, IdempotencyKey, Outcome};
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
    params(IdempotencyKey),
    request_body = CreateException,
    responses(
        (status = 201, description = "The exception", body = ExceptionView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Categoria não encontrada"),
        (status = 409, description = "Limite de 500 exceções por nível."),
    ),
)]
pub(super) async fn create_exception(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    context: Context,
    key: IdempotencyKey,
    Body(wish): Body<CreateException>,
) -> Outcome<Answer> {
    context.note_tenant(wish.tenant_id);
    let once = key.by(&caller);
    Ok(directory.create_exception(&caller, &once, context.request_id(), wish).await?)
}
