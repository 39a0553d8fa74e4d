//! The extractors that prove who calls.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use contracts::text::Text;
use contracts::user::{Permissions, UserType};
use http::header::AUTHORIZATION;
use http::request::Parts;
use uuid::Uuid;

use super::jwks::Keys;
use super::token::{Claims, Verifier};
use crate::http::{Context, Problem};
use crate::platform::Platform;
use crate::providers::{UserDirectory, UserLookup};
use crate::settings::AuthMode;

/// A user who has proved to be one, with the authority of this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user_id: Uuid,
    /// The user's tenant.
    pub tenant_id: Uuid,
    /// Admin or user.
    pub user_type: UserType,
    /// What the user may do; an admin has all.
    pub permissions: Permissions,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// `AUTH_MODE=optional` and no token: may do everything.
    Developer,
    /// A user, by a token.
    User(Identity),
}

/// Who calls, on a public route: perhaps nobody known.
#[derive(Debug, Clone)]
pub struct MaybeCaller(pub Option<Caller>);

/// Whose rows a caller may see at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every tenant's: the developer's.
    All,
    /// One tenant's.
    Tenant(Uuid),
}

impl Scope {
    /// Whether rows of `tenant` are in it.
    pub fn covers(self, tenant: Uuid) -> bool {
        match self {
            Self::All => true,
            Self::Tenant(own) => own == tenant,
        }
    }
}

impl Caller {
    /// Whose rows this caller may see at all; of others it is as if they were not there.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Developer => Scope::All,
            Self::User(identity) => Scope::Tenant(identity.tenant_id),
        }
    }

    /// The scope of a list that may name a tenant: 403 if it names another.
    pub fn list_scope(&self, named: Option<Uuid>) -> Result<Scope, Problem> {
        match (self, named) {
            (Self::Developer, Some(tenant)) => Ok(Scope::Tenant(tenant)),
            (Self::Developer, None) => Ok(Scope::All),
            (Self::User(_), Some(tenant)) => self.within(tenant).map(|()| Scope::Tenant(tenant)),
            (Self::User(identity), None) => Ok(Scope::Tenant(identity.tenant_id)),
        }
    }

    /// 403 unless `tenant` is the caller's.
    pub fn within(&self, tenant: Uuid) -> Result<(), Problem> {
        if self.scope().covers(tenant) { Ok(()) } else { Err(Problem::other_tenant()) }
    }

    /// 403 unless the caller has the permission.
    pub fn may(&self, permission: impl FnOnce(&Permissions) -> bool) -> Result<(), Problem> {
        if permission(&self.permissions()) { Ok(()) } else { Err(Problem::not_allowed()) }
    }

    /// What the caller may do.
    pub fn permissions(&self) -> Permissions {
        match self {
            Self::Developer => Permissions::ALL,
            Self::User(identity) => identity.permissions,
        }
    }

    /// Whether the caller may do everything in the tenant.
    pub fn is_admin(&self) -> bool {
        match self {
            Self::Developer => true,
            Self::User(identity) => identity.user_type == UserType::Admin,
        }
    }

    /// 403 unless the caller is an admin.
    pub fn admin(&self) -> Result<(), Problem> {
        if self.is_admin() { Ok(()) } else { Err(Problem::not_allowed()) }
    }

    /// Whether the caller is this very user.
    pub fn is(&self, user: Uuid) -> bool {
        self.user_id() == Some(user)
    }

    /// The user who calls; `None` for the developer.
    pub fn user_id(&self) -> Option<Uuid> {
        match self {
            Self::Developer => None,
            Self::User(identity) => Some(identity.user_id),
        }
    }
}

/// Proves who calls. A part of every service's state.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    mode: AuthMode,
    verifier: Verifier,
    people: Arc<UserDirectory>,
}

impl Authenticator {
    /// An authenticator by the platform's configuration.
    pub fn new(platform: &Platform, people: Arc<UserDirectory>) -> Self {
        let settings = &platform.settings;
        let clock = Arc::clone(&platform.clock);
        let keys = Keys::new(platform.clients.clone(), Arc::clone(&clock), platform.tasks.clone());
        let verifier = Verifier::new(keys, clock, &settings.jwt_issuer, &settings.jwt_audience);
        Self(Arc::new(Inner { mode: settings.auth_mode, verifier, people }))
    }

    async fn identify(&self, parts: &Parts) -> Result<Option<Caller>, Problem> {
        let Some(header) = parts.headers.get(AUTHORIZATION) else {
            return Ok((self.0.mode == AuthMode::Optional).then_some(Caller::Developer));
        };
        let bad = || Problem::unauthorized(Text::new("Token inválido ou expirado."));
        let (scheme, token) =
            header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(bad)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(bad());
        }
        let verified = self.0.verifier.verify(token.trim()).await;
        let unknown = |_| Problem::unavailable("the signing keys cannot be fetched");
        let claims = verified.map_err(unknown)?.ok_or_else(bad)?;
        let identity = self.identity(&claims).await?.ok_or_else(bad)?;
        if let Some(context) = Context::from_extensions(&parts.extensions) {
            context.note_tenant(identity.tenant_id);
        }
        Ok(Some(Caller::User(identity)))
    }

    /// The authority of this moment: the user's facts, not what the token once said. Only while the
    /// user service is away, and nothing speaks against it, the token stands for them.
    async fn identity(&self, claims: &Claims) -> Result<Option<Identity>, Problem> {
        let (user_type, permissions) = match self.0.people.find(claims.sub).await {
            UserLookup::Known(facts) if facts.is_active && facts.tenant_id == claims.tenant_id => {
                (facts.user_type, facts.permissions)
            }
            UserLookup::Known(_) | UserLookup::Unknown => return Ok(None),
            UserLookup::Unreachable { changed: true } => {
                return Err(Problem::unavailable("the user has changed and cannot be verified"));
            }
            UserLookup::Unreachable { changed: false } => (claims.user_type, claims.permissions),
        };
        let permissions = if user_type == UserType::Admin { Permissions::ALL } else { permissions };
        let (user_id, tenant_id) = (claims.sub, claims.tenant_id);
        Ok(Some(Identity { user_id, tenant_id, user_type, permissions }))
    }
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Authenticator::from_ref(state).identify(parts).await?;
        caller.ok_or_else(|| Problem::unauthorized(Text::new("Autenticação necessária.")))
    }
}

impl<S> FromRequestParts<S> for MaybeCaller
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Authenticator::from_ref(state).identify(parts).await.map(Self)
    }
}
