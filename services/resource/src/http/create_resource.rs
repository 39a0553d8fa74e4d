//! `POST /resources/`.

use axum::extract::State;
use common::db::Answer;
use common::http::{Body, Context, IdempotencyKey, Outcome};
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
    params(IdempotencyKey),
    request_body = CreateResource,
    responses(
        (status = 201, description = "The resource", body = ResourceView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Categoria não encontrada"),
    ),
)]
pub(super) async fn create_resource(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    context: Context,
    key: IdempotencyKey,
    Body(wish): Body<CreateResource>,
) -> Outcome<Answer> {
    context.note_tenant(wish.tenant_id);
    let (once, request) = (key.by(&caller), context.request_id());
    Ok(directory.create_resource(&caller, &once, request, wish).await?)
}
