//! `/tenants/{id}/api-keys`, one operation a file.

pub(super) mod create;
pub(super) mod get;
pub(super) mod list;
pub(super) mod revoke;

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use common::http::Problem;
use uuid::Uuid;

/// The `{key_id}` of the path.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyId(Uuid);

impl<S: Send + Sync> FromRequestParts<S> for KeyId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let bad = || Problem::field("key_id", "format", "Deve ser um UUID.");
        let path = Path::<BTreeMap<String, String>>::from_request_parts(parts, state).await;
        let Path(path) = path.map_err(|_| bad())?;
        let text = path.get("key_id").map_or("", String::as_str);
        match Uuid::try_parse(text) {
            Ok(id) if text.len() == 36 => Ok(Self(id)),
            Ok(_) | Err(_) => Err(bad()),
        }
    }
}
