//! `GET /users/{id}/export`

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use common::auth::Caller;
use common::http::{Context, Id, Outcome};
use contracts::personal::{ExportPending, ExportStatus, PersonalExport};

use crate::app::{Export, Users};

/// Exports everything held about a user.
///
/// For the user and admins, in person: 403 for API keys and for who acts as somebody else. The first
/// call begins to put the document together and answers 202; ask again until it answers 200. A document
/// is handed out for an hour; the first call after that begins anew.
#[utoipa::path(
    get,
    path = "/users/{id}/export",
    tag = "users",
    params(("id" = Uuid, Path, description = "The user")),
    responses(
        (status = 200, description = "Everything held about the user", body = PersonalExport,
            headers(("Cache-Control" = String, description = "`no-store`"))),
        (status = 202, description = "It is being put together", body = ExportPending,
            headers(
                ("Retry-After" = u32, description = "Seconds until it may be asked for again"),
                ("Cache-Control" = String, description = "`no-store`"),
            )),
        (status = 404, description = "Usuário não encontrado"),
    )
)]
pub(super) async fn export_user(
    caller: Caller,
    Id(id): Id,
    context: Context,
    State(users): State<Users>,
) -> Outcome<Response> {
    caller.in_person()?;
    let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(match users.export(&caller, id, context.request_id()).await? {
        Export::Pending(requested_at) => {
            let body = ExportPending { status: ExportStatus::Pending, requested_at };
            let headers = [no_store, (RETRY_AFTER, HeaderValue::from_static("1"))];
            (StatusCode::ACCEPTED, headers, Json(body)).into_response()
        }
        Export::Ready(document) => {
            let headers = [no_store, (CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            (headers, document).into_response()
        }
    })
}
