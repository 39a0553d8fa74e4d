//! `POST /tenants/{id}/api-keys`

use axum::extract::State;
use common::auth::Caller;
use common::db::Answer;
use common::http::{Body, Context, Id, IdempotencyKey, Outcome};
use contracts::api_key::{CreateApiKey, NewApiKeyView};

use crate::app::Users;

/// Makes an API key.
///
/// For the tenant's admins, in person: neither an API key nor an operator who acts as one of them can.
/// The key is in this answer and nowhere else: who repeats the request with its `Idempotency-Key` sees it
/// again for 24 hours, nobody without. At most 100 live ones a tenant.
#[utoipa::path(
    post,
    path = "/tenants/{id}/api-keys",
    tag = "api-keys",
    params(("id" = Uuid, Path, description = "The tenant"), IdempotencyKey),
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
    key: IdempotencyKey,
    State(users): State<Users>,
    Body(wanted): Body<CreateApiKey>,
) -> Outcome<Answer> {
    let once = key.by(&caller);
    Ok(users.create_api_key(&caller, id, &once, wanted, context.request_id()).await?)
}
