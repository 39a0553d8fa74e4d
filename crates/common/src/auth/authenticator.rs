//! From the `Authorization` header to a principal with the authority of this moment.

use std::sync::Arc;

use contracts::api_key::{API_KEY_PREFIX, is_api_key};
use contracts::authority::PLATFORM;
use contracts::facts::UserFacts;
use contracts::text::Text;
use contracts::user::{Permissions, UserType};
use http::header::AUTHORIZATION;
use http::request::Parts;
use uuid::Uuid;

use super::caller::{Credential, Identity, Operator, Principal, Session};
use super::jwks::Keys;
use super::token::{Claims, Verifier};
use crate::clock::Clock;
use crate::http::{Context, Limits, Problem};
use crate::platform::Platform;
use crate::providers::{Lookup, SettingsError, SettingsProvider, UserDirectory};
use crate::settings::AuthMode;

/// Proves who calls. A part of every service's state.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    mode: AuthMode,
    verifier: Verifier,
    people: Arc<UserDirectory>,
    tenants: Arc<dyn SettingsProvider>,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

/// Why a credential does not count: it is not good, or it cannot be judged now.
enum Refusal {
    Bad,
    Unavailable(&'static str),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Bad => Self::unauthorized(Text::new("Token inválido ou expirado.")),
            Refusal::Unavailable(cause) => Self::unavailable(cause),
        }
    }
}

impl Authenticator {
    /// An authenticator by the platform's configuration.
    pub fn new(
        platform: &Platform,
        people: Arc<UserDirectory>,
        tenants: Arc<dyn SettingsProvider>,
    ) -> Self {
        let settings = &platform.settings;
        let clock = Arc::clone(&platform.clock);
        let keys = Keys::new(platform.clients.clone(), Arc::clone(&clock), platform.tasks.clone());
        let (issuer, audience) = (&settings.jwt_issuer, &settings.jwt_audience);
        let verifier = Verifier::new(keys, Arc::clone(&clock), issuer, audience);
        let limits = platform.limits.clone();
        Self(Arc::new(Inner { mode: settings.auth_mode, verifier, people, tenants, clock, limits }))
    }

    /// Who calls; `None` for nobody known.
    pub(super) async fn identify(&self, parts: &Parts) -> Result<Option<Principal>, Problem> {
        let Some(header) = parts.headers.get(AUTHORIZATION) else {
            return Ok((self.0.mode == AuthMode::Optional).then_some(Principal::Developer));
        };
        let bearer = header.to_str().ok().and_then(|text| text.split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, token) = bearer.ok_or(Refusal::Bad)?;
        let principal = self.prove(token.trim()).await?;
        if let Some(context) = Context::from_extensions(&parts.extensions) {
            context.note_caller(&principal);
            self.0.limits.admit_caller(context, &principal)?;
        }
        Ok(Some(principal))
    }

    /// Whether the credentials of a request that is still being answered count now. While that cannot be
    /// judged they do.
    pub async fn still_counts(&self, headers: &http::HeaderMap) -> bool {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return self.0.mode == AuthMode::Optional;
        };
        let bearer = header.to_str().ok().and_then(|text| text.split_once(' '));
        let Some((_, token)) = bearer else { return false };
        match self.prove(token.trim()).await {
            Ok(_) | Err(Refusal::Unavailable(_)) => true,
            Err(Refusal::Bad) => false,
        }
    }

    async fn prove(&self, token: &str) -> Result<Principal, Refusal> {
        if token.starts_with(API_KEY_PREFIX) {
            return self.key(token).await.map(Principal::User);
        }
        let verified = self.0.verifier.verify(token).await;
        let verified = verified.map_err(|_| Refusal::Unavailable("no signing keys"))?;
        let claims = verified.ok_or(Refusal::Bad)?;
        let (standing, open) =
            futures_util::join!(self.standing(&claims), self.session(claims.sid, claims.sub));
        let (standing, ()) = (standing?, open?);
        if let Some(actor) = claims.act {
            self.operator(actor.sub).await?;
        }
        let session = Session {
            id: claims.sid,
            auth_time: claims.auth_time,
            impersonator: claims.act.map(|actor| actor.sub),
        };
        if claims.tenant_id == PLATFORM {
            return Ok(Principal::Operator(Operator { user_id: claims.sub, session }));
        }
        self.tenant(claims.tenant_id).await?;
        Ok(Principal::User(Identity {
            user_id: claims.sub,
            tenant_id: claims.tenant_id,
            user_type: standing.0,
            permissions: standing.1,
            credential: Credential::Session(session),
        }))
    }

    /// The authority of this moment: the user's facts, not what the token once said. Only while the
    /// user service is away, and nothing speaks against it, the token stands for them.
    async fn standing(&self, claims: &Claims) -> Result<(UserType, Permissions), Refusal> {
        let found = self.0.people.find(claims.sub).await;
        let (user_type, permissions) = match judged(found)? {
            Some(facts) => {
                acts(&facts, claims.tenant_id)?;
                (facts.user_type, facts.permissions)
            }
            None => (claims.user_type, claims.permissions),
        };
        let all = user_type == UserType::Admin;
        Ok((user_type, if all { Permissions::ALL } else { permissions }))
    }

    async fn session(&self, id: Uuid, user: Uuid) -> Result<(), Refusal> {
        let found = judged(self.0.people.session(id).await)?;
        let open = found.is_none_or(|facts| facts.is_active && facts.user_id == user);
        if open { Ok(()) } else { Err(Refusal::Bad) }
    }

    /// Whoever acts as another must still be an operator, and be known to be.
    async fn operator(&self, id: Uuid) -> Result<(), Refusal> {
        let found = judged(self.0.people.find(id).await)?;
        acts(&*found.ok_or(Refusal::Unavailable("the operator cannot be verified"))?, PLATFORM)
    }

    /// A tenant that was suspended or deleted takes its people along. One that cannot be asked for is
    /// given the benefit of the doubt: the token's short life is the bound.
    async fn tenant(&self, id: Uuid) -> Result<(), Refusal> {
        match self.0.tenants.settings(id).await {
            Ok(rules) if rules.is_active => Ok(()),
            Ok(_) | Err(SettingsError::Unknown) => Err(Refusal::Bad),
            Err(SettingsError::Unreachable(_) | SettingsError::Garbage(_)) => Ok(()),
        }
    }

    /// A key proves nothing by itself: while its owner cannot be asked it is not judged.
    async fn key(&self, key: &str) -> Result<Identity, Refusal> {
        if !is_api_key(key) {
            return Err(Refusal::Bad);
        }
        let found = judged(self.0.people.api_key(key).await)?;
        let facts = found.ok_or(Refusal::Unavailable("the API key cannot be verified"))?;
        let now = self.0.clock.now();
        if !facts.is_active || facts.expires_at.is_some_and(|end| end <= now) {
            return Err(Refusal::Bad);
        }
        self.tenant(facts.tenant_id).await?;
        Ok(Identity {
            user_id: facts.id,
            tenant_id: facts.tenant_id,
            user_type: UserType::User,
            permissions: facts.scopes,
            credential: Credential::ApiKey,
        })
    }
}

fn acts(facts: &UserFacts, tenant: Uuid) -> Result<(), Refusal> {
    if facts.is_active && facts.tenant_id == tenant { Ok(()) } else { Err(Refusal::Bad) }
}

/// The facts; `None` where they cannot be had and nothing speaks against the credential.
fn judged<T>(found: Lookup<T>) -> Result<Option<Arc<T>>, Refusal> {
    match found {
        Lookup::Known(facts) => Ok(Some(facts)),
        Lookup::Unknown => Err(Refusal::Bad),
        Lookup::Unreachable { changed: true } => {
            Err(Refusal::Unavailable("the caller has changed and cannot be verified"))
        }
        Lookup::Unreachable { changed: false } => Ok(None),
    }
}
