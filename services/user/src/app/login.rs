//! Signs a user in.

use std::net::IpAddr;

use common::auth::Scope;
use contracts::page::fold;
use contracts::user::{Login, TokenView};

use super::Users;
use super::throttle::Attempt;
use crate::error::Error;
use crate::store::{self, User};

impl Users {
    /// Trades good credentials for an access token.
    ///
    /// An address that exists in several tenants needs the tenant named; without, it is refused like
    /// a wrong one. Every refusal costs one comparison of a password, so that its time tells nothing.
    /// It is counted as failed before it is compared: see [`Self::attempt`].
    pub(crate) async fn login(
        &self,
        login: Login,
        client: Option<IpAddr>,
    ) -> Result<TokenView, Error> {
        let Login { email, password, tenant_id, domain } = login;
        let named = self.named(tenant_id, domain.as_deref()).await?;
        let attempt = self.attempt(&named.account(&email), client).await?;
        let user = self.holder(&named, &email).await?.filter(|user| user.profile.is_active);
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        let good = self.compare(&attempt, password.clone(), hash).await?;
        let user = user.filter(|_| good).ok_or(Error::BadCredentials)?;
        self.admitted(&attempt).await?;
        self.rehash(&user, password).await;
        self.token(&user)
    }

    async fn admitted(&self, attempt: &Attempt) -> Result<(), Error> {
        let settled = self.database.transact(async |tx| self.succeeded(&tx, attempt).await);
        Ok(settled.await?)
    }

    /// Hashes a good password again where the configured cost has changed since. Nobody else can see
    /// it, so there is no event, and the sign-in is good whether or not it works.
    async fn rehash(&self, user: &User, password: String) {
        let Some(old) = user.password_hash.as_ref().filter(|hash| self.passwords.is_outdated(hash))
        else {
            return;
        };
        let done = match self.passwords.hash(password).await {
            Ok(new) => store::rehash(self.database.write(), user.id, old, &new).await,
            Err(error) => return tracing::debug!(%error, "hashing a password again"),
        };
        if let Err(error) = done {
            tracing::debug!(%error, "storing a password's new hash");
        }
    }

    fn token(&self, user: &User) -> Result<TokenView, Error> {
        let signed = self.signer.sign(user, self.clock.now(), self.ids.next());
        Ok(TokenView {
            access_token: signed.map_err(|error| Error::Signing(error.to_string()))?,
            token_type: "bearer".to_owned(),
            expires_in: self.signer.ttl_seconds(),
        })
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
