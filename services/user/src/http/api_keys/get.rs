//! `GET /tenants/{id}/api-keys/{key_id}`

use axum::Json;
use axum::extract::State;
use common::auth::Caller;
use common::http::{Id, Outcome};
use contracts::api_key::ApiKeyView;

use super::KeyId;
use crate::app::Users;

/// Shows an API key, never the key itself.
///
/// For the tenant's admins.
#[utoipa::path(
    get,
    path = "/tenants/{id}/api-keys/{key_id}",
    tag = "api-keys",
    params(
        ("id" = Uuid, Path, description = "The tenant"),
        ("key_id" = Uuid, Path, description = "The key"),
    ),
    responses(
        (status = 200, description = "The key", body = ApiKeyView),
        (status = 403, description = "A requisição se refere a outro tenant."),
        (status = 404, description = "Chave de API não encontrada"),
    )
)]
pub(crate) async fn get_api_key(
    caller: Caller,
    Id(id): Id,
    KeyId(key): KeyId,
    State(users): State<Users>,
) -> Outcome<Json<ApiKeyView>> {
    Ok(Json(users.find_api_key(&caller, id, key).await?.view()?))
}
