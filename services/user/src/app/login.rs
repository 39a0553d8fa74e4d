//! Signs a user in.

use chrono::TimeDelta;
use common::auth::Scope;
use contracts::facts::SessionFacts;
use contracts::page::fold;
use contracts::session::{Login, TokenView};

use super::Users;
use crate::error::Error;
use crate::store::session::Session;
use crate::store::{self, User};

/// A session ends so long after the sign-in, however often it is refreshed.
const SESSION_LIFE: TimeDelta = TimeDelta::days(30);

impl Users {
    /// Trades good credentials for an access token.
    ///
    /// An address that exists in several tenants needs the tenant named; without, it is refused like
    /// a wrong one. Every refusal costs one comparison of a password, so that its time tells nothing.
    pub(crate) async fn login(&self, login: Login) -> Result<TokenView, Error> {
        let Login { email, password, tenant_id, domain } = login;
        let mut found = match self.named(tenant_id, domain.as_deref()).await? {
            Named::Scope(scope) => store::sign_in(self.database.read(), &email, scope).await?,
            Named::Nobody => Vec::new(),
        };
        let only = if found.len() == 1 { found.pop() } else { None };
        let user = only.filter(|user| user.profile.is_active);
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        let good = self.passwords.verify(password, hash).await?;
        let user = user.filter(|_| good).ok_or(Error::BadCredentials)?;
        let session = self.open_session(&user).await?;
        self.token(&user, &session)
    }

    async fn open_session(&self, user: &User) -> Result<Session, Error> {
        let now = self.clock.now();
        let session = Session {
            id: self.ids.next(),
            tenant_id: user.profile.tenant_id,
            user_id: user.id,
            created_at: now,
            last_used_at: now,
            expires_at: now + SESSION_LIFE,
            ended_at: None,
            ended_reason: None,
            user_agent: None,
            ip: None,
            impersonator_id: None,
        };
        let stored = session.clone();
        let insert = self.database.transact(async |tx| {
            store::session::insert(&tx, stored.clone()).await.map_err(Error::from)
        });
        insert.await?;
        Ok(session)
    }

    /// What the neighbours may know of a session.
    pub(crate) async fn session_facts(&self, id: uuid::Uuid) -> Result<SessionFacts, Error> {
        let found = store::session::find(self.database.read(), id).await?;
        Ok(found.ok_or(Error::Unknown)?.facts(self.clock.now()))
    }

    fn token(&self, user: &User, session: &Session) -> Result<TokenView, Error> {
        let signed = self.signer.sign(user, session.claim(), self.clock.now(), self.ids.next());
        Ok(TokenView {
            access_token: signed.map_err(|error| Error::Signing(error.to_string()))?,
            token_type: "bearer".to_owned(),
            expires_in: self.signer.ttl_seconds(),
            refresh_token: None,
        })
    }

    /// Whose users are meant. Named both ways, both must mean the same tenant.
    async fn named(
        &self,
        tenant: Option<uuid::Uuid>,
        domain: Option<&str>,
    ) -> Result<Named, Error> {
        let Some(domain) = domain else {
            return Ok(Named::Scope(tenant.map_or(Scope::All, Scope::Tenant)));
        };
        let found = self.clients.tenant_by_domain(&fold(domain)).await;
        let found = found.map_err(|error| Error::TenantUnverified(error.to_string()))?;
        let found = found.filter(|found| tenant.is_none_or(|tenant| tenant == found.id));
        Ok(found.map_or(Named::Nobody, |found| Named::Scope(Scope::Tenant(found.id))))
    }
}

enum Named {
    Scope(Scope),
    Nobody,
}
