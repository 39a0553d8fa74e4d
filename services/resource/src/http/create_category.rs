//! `POST /categories/`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use common::http::{Body, Context, Outcome};
use contracts::resource::{CategoryView, CreateCategory};

use super::manager::Manager;
use crate::app::Directory;

/// Make a category.
#[utoipa::path(
    post,
    path = "/categories/",
    operation_id = "create_category",
    tag = "categories",
    request_body = CreateCategory,
    responses(
        (status = 201, description = "The category", body = CategoryView),
        (status = 404, description = "Tenant não encontrado"),
    ),
)]
pub(super) async fn create_category(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    context: Context,
    Body(wish): Body<CreateCategory>,
) -> Outcome<(StatusCode, Json<CategoryView>)> {
    context.note_tenant(wish.tenant_id);
    let category = directory.create_category(&caller, wish).await?;
    Ok((StatusCode::CREATED, Json(category)))
}
