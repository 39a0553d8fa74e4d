//! `PUT /resources/{id}`.

use axum::extract::State;
use common::http::{Context, Id, Outcome, Raw};
use common::version::{Precondition, Versioned};
use contracts::policy::BookingPolicy;
use contracts::resource::{ResourceStatus, ResourceView, WeeklySchedule};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::manager::Manager;
use crate::app::Directory;

/// The fields of an edit; what is absent stays as it is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is merged before it is read")]
struct EditResource {
    /// The tenant it belongs to; it never changes.
    #[schema(nullable = false)]
    tenant_id: Option<Uuid>,
    /// Its category, of the same tenant.
    #[schema(nullable = false)]
    category_id: Option<Uuid>,
    /// Its name.
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Free text; null clears it.
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// Where it is; null clears it.
    #[schema(max_length = 200)]
    location: Option<String>,
    /// http(s) address of a picture; null clears it.
    #[schema(format = "http-url", min_length = 1, max_length = 2000)]
    image_url: Option<String>,
    /// Whether it can be booked.
    #[schema(value_type = ResourceStatus, required = false)]
    status: Option<ResourceStatus>,
    /// How many people fit.
    #[schema(nullable = false, minimum = 1, maximum = 100_000)]
    capacity: Option<u32>,
    /// Free-form data, replaced whole; the category's custom fields are enforced.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Value>,
    /// Weekly hours, replaced whole; `{}` = the tenant's working hours every day.
    #[schema(value_type = Option<WeeklySchedule>)]
    availability_schedule: Option<Value>,
    /// What is asked of its bookings, replaced whole.
    booking_policy: Option<BookingPolicy>,
}

/// Edit a resource.
#[utoipa::path(
    put,
    path = "/resources/{id}",
    operation_id = "edit_resource",
    tag = "resources",
    params(("id" = Uuid, Path, description = "The resource"), Precondition),
    request_body = EditResource,
    responses(
        (status = 200, description = "The resource after the edit", body = ResourceView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Recurso não encontrado"),
    ),
)]
pub(super) async fn edit_resource(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    context: Context,
    Id(id): Id,
    wanted: Precondition,
    Raw(patch): Raw,
) -> Outcome<Versioned<ResourceView>> {
    let trace_id = context.request_id();
    let resource = directory.edit_resource(&caller, trace_id, id, &wanted, &patch).await?;
    context.note_tenant(resource.view.tenant_id);
    Ok(resource)
}
