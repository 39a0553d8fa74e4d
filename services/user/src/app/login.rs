//! Signs a user in.

use common::auth::Scope;
use contracts::page::fold;
use contracts::user::{Login, TokenView};

use super::Users;
use crate::error::Error;
use crate::store::{self, User};

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
        self.token(&user)
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
