//! `PUT /categories/{id}`.

use axum::extract::State;
use common::http::{Context, Id, Outcome, Raw};
use common::version::{Precondition, Versioned};
use contracts::policy::BookingPolicy;
use contracts::resource::{CategoryMetadata, CategoryType, CategoryView};
use utoipa::ToSchema;
use uuid::Uuid;

use super::manager::Manager;
use crate::app::Directory;

/// The fields of an edit; what is absent stays as it is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is merged before it is read")]
struct EditCategory {
    /// The tenant it belongs to; it never changes.
    #[schema(nullable = false)]
    tenant_id: Option<Uuid>,
    /// Its name.
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    /// What it holds.
    #[schema(value_type = CategoryType, required = false)]
    r#type: Option<CategoryType>,
    /// Free text; null clears it.
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// Name of an icon; null clears it.
    #[schema(max_length = 60)]
    icon: Option<String>,
    /// `#RGB` or `#RRGGBB`; null clears it.
    #[schema(pattern = "^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$")]
    color: Option<String>,
    /// Whether it is in use.
    #[schema(nullable = false)]
    is_active: Option<bool>,
    /// Rules for its resources, replaced whole.
    category_metadata: Option<CategoryMetadata>,
    /// What is asked of bookings of its resources, replaced whole.
    booking_policy: Option<BookingPolicy>,
}

/// Edit a category.
///
/// Its resources stay as they are; their next write is judged by its custom fields.
#[utoipa::path(
    put,
    path = "/categories/{id}",
    operation_id = "edit_category",
    tag = "categories",
    params(("id" = Uuid, Path, description = "The category"), Precondition),
    request_body = EditCategory,
    responses(
        (status = 200, description = "The category after the edit", body = CategoryView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Categoria não encontrada"),
    ),
)]
pub(super) async fn edit_category(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    context: Context,
    Id(id): Id,
    wanted: Precondition,
    Raw(patch): Raw,
) -> Outcome<Versioned<CategoryView>> {
    let trace_id = context.request_id();
    let category = directory.edit_category(&caller, trace_id, id, &wanted, &patch).await?;
    context.note_tenant(category.view.tenant_id);
    Ok(category)
}
