//! `POST /exceptions/import`.

use axum::extract::{FromRequest, Request, State};
use common::db::Answer;
use common::http::{Context, IdempotencyKey, Outcome, Params, Problem, text_body};
use contracts::exception::{ExceptionLevel, ImportQuery, ImportView};

use super::manager::Manager;
use crate::app::{Directory, ImportWish};
use crate::store::Target;

/// The most bytes of a file.
const MOST: usize = 256 * 1024;

/// The text of a calendar file.
pub(super) struct CalendarFile(String);

impl<S: Send + Sync> FromRequest<S> for CalendarFile {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let refusal = "Tipo de conteúdo não suportado. Use text/calendar.";
        text_body(request, state, "text/calendar", refusal, MOST).await.map(Self)
    }
}

/// Import a calendar file: each of its events becomes closures.
///
/// All of it or nothing; at most 500 events and 256 KiB. An event that was imported before into the same
/// target is replaced, by its `UID`. Of recurring ones only `FREQ=YEARLY` is understood.
#[utoipa::path(
    post,
    path = "/exceptions/import",
    operation_id = "import_exceptions",
    tag = "exceptions",
    params(
        IdempotencyKey,
        ("tenant_id" = Uuid, Query, description = "The caller's tenant"),
        ("level" = ExceptionLevel, Query, description = "Whose resources it holds for"),
        ("category_id" = Option<Uuid>, Query, description = "With level `category`, and only then: which"),
        ("resource_id" = Option<Uuid>, Query, description = "With level `resource`, and only then: which"),
        ("kind" = Option<String>, Query, description = "`holiday` unless given, `maintenance` or `closure`", pattern = "^(holiday|maintenance|closure)$"),
    ),
    request_body(
        content = String, content_type = "text/calendar",
        description = "An iCalendar file (RFC 5545)",
    ),
    responses(
        (status = 200, description = "What became of the events", body = ImportView),
        (status = 404, description = "Categoria não encontrada"),
        (status = 409, description = "Limite de 500 exceções por nível."),
        (status = 415, description = "Tipo de conteúdo não suportado. Use text/calendar."),
    ),
)]
pub(super) async fn import_exceptions(
    Manager(caller): Manager,
    State(directory): State<Directory>,
    context: Context,
    key: IdempotencyKey,
    Params(query): Params<ImportQuery>,
    CalendarFile(text): CalendarFile,
) -> Outcome<Answer> {
    let ImportQuery { tenant_id, level: _, category_id, resource_id, kind } = query;
    context.note_tenant(tenant_id);
    let target = Target { tenant: tenant_id, category: category_id, resource: resource_id };
    let wish = ImportWish { target, kind, text };
    let (once, trace_id) = (key.by(&caller), context.request_id());
    Ok(directory.import_exceptions(&caller, &once, &wish, trace_id).await?)
}
