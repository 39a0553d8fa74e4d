//! The extractors that prove who calls.

use axum::extract::{FromRef, FromRequestParts};
use contracts::text::Text;
use http::request::Parts;

use super::authenticator::Authenticator;
use super::caller::{Caller, Principal};
use crate::http::Problem;

/// Who calls, on a public route: perhaps nobody known.
#[derive(Debug, Clone)]
pub struct MaybeCaller(pub Option<Caller>);

/// The same where platform operators have a say.
#[derive(Debug, Clone)]
pub struct MaybePrincipal(pub Option<Principal>);

fn nobody() -> Problem {
    Problem::unauthorized(Text::new("Autenticação necessária."))
}

impl<S> FromRequestParts<S> for Principal
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Authenticator::from_ref(state).identify(parts).await?.ok_or_else(nobody)
    }
}

impl<S> FromRequestParts<S> for MaybePrincipal
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Authenticator::from_ref(state).identify(parts).await.map(Self)
    }
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Principal::from_request_parts(parts, state).await?.into_caller()
    }
}

impl<S> FromRequestParts<S> for MaybeCaller
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let MaybePrincipal(found) = MaybePrincipal::from_request_parts(parts, state).await?;
        found.map(Principal::into_caller).transpose().map(Self)
    }
}
