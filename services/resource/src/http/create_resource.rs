//! `POST /resources/`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use common::http::{Body, Context, Outcome};
use contracts::resource::{CreateResource, ResourceView};

use super::manager::Manager;
use crate::app::Directory;

/// Make a resource in a category of its tenant.
///
/// `attributes` must have what the category's custom fields ask for.
#[utoipa::path(
    post,
    path = "/resources/",
    operation_id = "create_resource",
    tag = "resources",
    request_body = CreateResource,
    responses(
        (status = 201, description = "The resource", body = ResourceView),
        (status = 404, description = "Categoria não encontrada"),
    ),
)]
pub(super) async fn create_resource(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    context: Context,
    Body(wish): Body<CreateResource>,
) -> Outcome<(StatusCode, Json<ResourceView>)> {
    context.note_tenant(wish.tenant_id);
    let resource = directory.create_resource(&caller, context.request_id(), wish).await?;
    Ok((StatusCode::CREATED, Json(resource)))
}
