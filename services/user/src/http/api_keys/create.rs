//! `POST /tenants/{id}/api-keys`

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use common::auth::Caller;
use common::http::{Body, Context, Id, Outcome};
use contracts::api_key::{CreateApiKey, NewApiKeyView};

use crate::app::Users;

/// Makes an API key.
///
/// For the tenant's admins, in person: neither an API key nor an operator who acts as one of them can.
/// The key is in this answer and nowhere else. At most 100 live ones a tenant.
#[utoipa::path(
    post,
    path = "/tenants/{id}/api-keys",
    tag = "api-keys",
    params(("id" = Uuid, Path, description = "The tenant")),
    request_body = CreateApiKey,
    responses(
        (status = 201, description = "The new key", body = NewApiKeyView),
        (status = 400, description = "O tenant já tem 100 chaves de API ativas."),
        (status = 403, description = "A requisição se refere a outro tenant."),
        (status = 404, description = "Tenant não encontrado"),
    )
)]
pub(crate) async fn create_api_key(
    caller: Caller,
    Id(id): Id,
    context: Context,
    State(users): State<Users>,
    Body(wanted): Body<CreateApiKey>,
) -> Outcome<Response> {
    let made: NewApiKeyView =
        users.create_api_key(&caller, id, wanted, context.request_id()).await?;
    let secret = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, secret, Json(made)).into_response())
}
