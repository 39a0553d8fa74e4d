//! `POST /categories/`.

use axum::extract::State;
use common::db::Answer;
use common::http::{Body, Context, IdempotencyKey, Outcome};
use contracts::resource::{CategoryView, CreateCategory};

use super::manager::Manager;
use crate::app::Directory;

/// Make a category.
#[utoipa::path(
    post,
    path = "/categories/",
    operation_id = "create_category",
    tag = "categories",
    params(IdempotencyKey),
    request_body = CreateCategory,
    responses(
        (status = 201, description = "The category", body = CategoryView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Tenant não encontrado"),
    ),
)]
pub(super) async fn create_category(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    context: Context,
    key: IdempotencyKey,
    Body(wish): Body<CreateCategory>,
) -> Outcome<Answer> {
    context.note_tenant(wish.tenant_id);
    Ok(directory.create_category(&caller, &key.by(&caller), wish).await?)
}
