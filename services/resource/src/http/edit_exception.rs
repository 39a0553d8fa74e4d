//! `PUT /exceptions/{id}`.

use axum::extract::State;
use chrono::NaiveDate;
use common::http::{Context, Id, Outcome, Raw};
use common::version::{Precondition, Versioned};
use contracts::exception::{ExceptionKind, ExceptionLevel, ExceptionView};
use contracts::resource::HourRange;
use utoipa::ToSchema;
use uuid::Uuid;

use super::manager::Manager;
use crate::app::Directory;

/// The fields of an edit; what is absent stays as it is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is merged before it is read")]
struct EditException {
    /// The tenant it belongs to; it never changes.
    #[schema(nullable = false)]
    tenant_id: Option<Uuid>,
    /// Whose resources it holds for; with another one the ids change too.
    #[schema(value_type = ExceptionLevel, required = false)]
    level: Option<ExceptionLevel>,
    /// With level `category`, and only then: which; null clears it.
    category_id: Option<Uuid>,
    /// With level `resource`, and only then: which; null clears it.
    resource_id: Option<Uuid>,
    /// What it does.
    #[schema(value_type = ExceptionKind, required = false)]
    kind: Option<ExceptionKind>,
    /// First civil date, in the tenant's zone.
    #[schema(nullable = false)]
    start_date: Option<NaiveDate>,
    /// Last civil date, at most 366 days in all; null = the first.
    end_date: Option<NaiveDate>,
    /// Whether it comes every year.
    #[schema(nullable = false)]
    yearly: Option<bool>,
    /// Open hours of an override, closed ones of a closure, replaced whole.
    #[schema(value_type = Option<Vec<HourRange>>, max_items = 50, required = false)]
    ranges: Option<Vec<String>>,
    /// Why, for people.
    #[schema(max_length = 200)]
    reason: Option<String>,
}

/// Edit an exception.
#[utoipa::path(
    put,
    path = "/exceptions/{id}",
    operation_id = "edit_exception",
    tag = "exceptions",
    params(("id" = Uuid, Path, description = "The exception"), Precondition),
    request_body = EditException,
    responses(
        (status = 200, description = "The exception after the edit", body = ExceptionView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "Exceção não encontrada"),
        (status = 409, description = "Limite de 500 exceções por nível."),
    ),
)]
pub(super) async fn edit_exception(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    context: Context,
    Id(id): Id,
    wanted: Precondition,
    Raw(patch): Raw,
) -> Outcome<Versioned<ExceptionView>> {
    let request = context.request_id();
    let exception = directory.edit_exception(&caller, request, id, &wanted, &patch).await?;
    context.note_tenant(exception.view.tenant_id);
    Ok(exception)
}
