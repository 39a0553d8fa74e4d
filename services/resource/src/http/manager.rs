//! The extractor of those who may change the directory.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use common::auth::Caller;
use common::http::Problem;

use super::AppState;

/// A caller who may change categories and resources: admin or `can_manage_resources`.
pub(super) struct Manager(pub(super) Caller);

impl FromRequestParts<AppState> for Manager {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.may(|permissions| permissions.can_manage_resources)?;
        Ok(Self(caller))
    }
}
