//! `GET /internal/v1/api-keys/{hash}`

use axum::Json;
use axum::extract::{Path, State};
use common::http::{Outcome, Problem};
use contracts::facts::ApiKeyFacts;

use crate::app::Users;

/// What the neighbours decide by, of a key somebody has shown them.
pub(super) async fn api_key_facts(
    Path(hash): Path<String>,
    State(users): State<Users>,
) -> Outcome<Json<ApiKeyFacts>> {
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Problem::not_found("Chave de API não encontrada"));
    }
    Ok(Json(users.api_key_facts(&hash).await?))
}
