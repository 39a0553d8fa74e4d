//! Who sends a request, as far as a session remembers it.

use axum::extract::FromRequestParts;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use common::http::{ClientIp, Problem};

use crate::app::Client;

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let address = ClientIp::from_request_parts(parts, state).await?.address();
        let user_agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self::new(address, user_agent))
    }
}
