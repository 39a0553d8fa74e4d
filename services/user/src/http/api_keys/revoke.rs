//! `DELETE /tenants/{id}/api-keys/{key_id}`

use axum::extract::State;
use axum::http::StatusCode;
use common::auth::Caller;
use common::http::{Context, Id, Outcome};

use super::KeyId;
use crate::app::Users;

/// Revokes an API key.
///
/// For the tenant's admins. It stops everywhere within five seconds, and for good; revoking it again is
/// a success without effect.
#[utoipa::path(
    delete,
    path = "/tenants/{id}/api-keys/{key_id}",
    tag = "api-keys",
    params(
        ("id" = Uuid, Path, description = "The tenant"),
        ("key_id" = Uuid, Path, description = "The key"),
    ),
    responses(
        (status = 204, description = "It is revoked"),
        (status = 403, description = "A requisição se refere a outro tenant."),
        (status = 404, description = "Chave de API não encontrada"),
    )
)]
pub(crate) async fn revoke_api_key(
    caller: Caller,
    Id(id): Id,
    KeyId(key): KeyId,
    context: Context,
    State(users): State<Users>,
) -> Outcome<StatusCode> {
    users.revoke_api_key(&caller, id, key, context.request_id()).await?;
    Ok(StatusCode::NO_CONTENT)
}
