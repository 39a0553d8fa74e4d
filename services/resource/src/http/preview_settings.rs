//! `POST /tenants/{id}/settings/preview`

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_LANGUAGE;
use axum::response::{IntoResponse as _, Response};
use common::auth::Caller;
use common::http::{Context, Id, Outcome, Raw};
use contracts::what_if::{PreviewSettings, SettingsPreview};

use crate::app::Directory;

/// Previews a change of a tenant's rules.
///
/// For its admins. Nothing is stored: the answer says which future bookings the changed rules would
/// refuse, which slots would appear or vanish, and the occupancy before and after. A booking is judged by
/// its length, the open hours and the grid; notice and reach were right when it was made and are not
/// asked again, nor are conflicts, capacity and limits.
#[utoipa::path(
    post,
    path = "/tenants/{id}/settings/preview",
    operation_id = "preview_settings",
    tag = "settings",
    params(("id" = Uuid, Path, description = "The tenant")),
    request_body = PreviewSettings,
    responses(
        (status = 200, description = "What would be otherwise", body = SettingsPreview,
            headers(("Content-Language" = String, description = "The language of the messages"))),
        (status = 400, description = "Simulações limitadas a um período de 31 dias."),
        (status = 404, description = "Configurações não encontradas"),
    ),
)]
pub(super) async fn preview_settings(
    caller: Caller,
    Id(id): Id,
    context: Context,
    State(directory): State<Directory>,
    Raw(body): Raw,
) -> Outcome<Response> {
    let language = context.language();
    let preview = directory.what_if().preview(&caller, id, &body, language).await?;
    context.note_tenant(id);
    let mut response = Json(preview).into_response();
    let language = HeaderValue::from_static(language.tag());
    response.headers_mut().insert(CONTENT_LANGUAGE, language);
    Ok(response)
}
