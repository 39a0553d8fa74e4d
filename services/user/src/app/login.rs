//! Signs a user in.

use common::auth::Scope;
use common::providers::SettingsError;
use contracts::authority::PLATFORM;
use contracts::page::fold;
use contracts::security::{Security, SecurityEvent};
use contracts::session::Login;
use uuid::Uuid;

use super::throttle::Attempt;
use super::{Client, Tokens, Users};
use crate::error::Error;
use crate::store::{self, User};

impl Users {
    /// Trades good credentials for a session.
    ///
    /// An address that exists in several tenants needs the tenant named; without, it is refused like
    /// a wrong one. Every refusal costs one comparison of a password and one event, so that its time
    /// tells nothing. It is counted as failed before it is compared: see [`Self::attempt`].
    pub(crate) async fn login(
        &self,
        login: Login,
        client: &Client,
        trace_id: &str,
    ) -> Result<Tokens, Error> {
        let Login { email, password, tenant_id, domain } = login;
        let named = self.named(tenant_id, domain.as_deref()).await?;
        let attempt = self.attempt(&named.account(&email), client.ip()).await?;
        let only = self.holder(&named, &email).await?;
        let active = only.as_ref().filter(|user| user.profile.is_active);
        let hash = active.and_then(|user| user.password_hash.clone());
        let good = self.compare(&attempt, password.clone(), hash).await?;
        match active.filter(|_| good) {
            Some(user) if self.takes_part(user.profile.tenant_id).await => {
                self.admitted(&attempt).await?;
                self.rehash(user, password).await;
                self.open_session(user, client, trace_id).await
            }
            Some(_) | None => Err(self.refuse(only.as_ref(), client, trace_id).await),
        }
    }

    async fn admitted(&self, attempt: &Attempt) -> Result<(), Error> {
        let settled =
            self.database.transact(Scope::All, async |tx| self.succeeded(&tx, attempt).await);
        Ok(settled.await?)
    }

    /// Hashes a good password again where the configured cost has changed since. Nobody else can see
    /// it, so there is no event, and the sign-in is good whether or not it works.
    async fn rehash(&self, user: &User, password: String) {
        let Some(old) = user.password_hash.as_ref().filter(|hash| self.passwords.is_outdated(hash))
        else {
            return;
        };
        let new = match self.passwords.hash(password).await {
            Ok(new) => new,
            Err(error) => return tracing::debug!(%error, "hashing a password again"),
        };
        let own = Scope::Tenant(user.profile.tenant_id);
        let stored =
            self.database.transact(own, async |tx| store::rehash(&tx, user.id, old, &new).await);
        if let Err(error) = stored.await {
            tracing::debug!(%error, "storing a password's new hash");
        }
    }

    /// Tells of a sign-in that failed. Whoever tried learns nothing of the cause, and of an address
    /// nobody has, no more is told than that.
    async fn refuse(&self, user: Option<&User>, client: &Client, trace_id: &str) -> Error {
        let about = Security {
            tenant_id: user.map_or(PLATFORM, |user| user.profile.tenant_id),
            user_id: user.map(|user| user.id),
            network: client.network(),
            ..Security::default()
        };
        let whose = Scope::Tenant(about.tenant_id);
        let told = self.database.transact(whose, async |tx| {
            self.security(&tx, SecurityEvent::SignInFailed, &about, trace_id).await
        });
        match told.await {
            Ok(()) => {
                self.relay.wake();
                Error::BadCredentials
            }
            Err(error) => error.into(),
        }
    }

    /// Whether a tenant's people may sign in and go on. One that cannot be asked for is given the
    /// benefit of the doubt, as everywhere.
    pub(super) async fn takes_part(&self, tenant: Uuid) -> bool {
        if tenant == PLATFORM {
            return true;
        }
        match self.tenants.settings(tenant).await {
            Ok(rules) => rules.is_active,
            Err(SettingsError::Unknown) => false,
            Err(SettingsError::Unreachable(_) | SettingsError::Garbage(_)) => true,
        }
    }

    /// Whose users are meant. Named both ways, both must mean the same tenant.
    pub(super) async fn named(
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
        let nobody = || Named::Nobody(domain.to_owned());
        Ok(found.map_or_else(nobody, |found| Named::Scope(Scope::Tenant(found.id))))
    }
}

/// Where an address is looked for.
pub(super) enum Named {
    /// In one tenant, or in all.
    Scope(Scope),
    /// In a tenant of this domain, and there is none.
    Nobody(String),
}
