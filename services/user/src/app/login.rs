//! Signs a user in.

use common::auth::Scope;
use common::providers::SettingsError;
use contracts::authority::PLATFORM;
use contracts::page::fold;
use contracts::security::{Security, SecurityEvent};
use contracts::session::Login;
use uuid::Uuid;

use super::{Client, Tokens, Users};
use crate::error::Error;
use crate::store::{self, User};

impl Users {
    /// Trades good credentials for a session.
    ///
    /// An address that exists in several tenants needs the tenant named; without, it is refused like
    /// a wrong one. Every refusal costs one comparison of a password and one event, so that its time
    /// tells nothing.
    pub(crate) async fn login(
        &self,
        login: Login,
        client: &Client,
        trace_id: &str,
    ) -> Result<Tokens, Error> {
        let Login { email, password, tenant_id, domain } = login;
        let mut found = match self.named(tenant_id, domain.as_deref()).await? {
            // All where no tenant is named: the address alone says whose it is.
            Named::Scope(scope) => {
                store::sign_in(&self.database.read(scope), &email, scope).await?
            }
            Named::Nobody => Vec::new(),
        };
        let only = if found.len() == 1 { found.pop() } else { None };
        let active = only.as_ref().filter(|user| user.profile.is_active);
        let hash = active.and_then(|user| user.password_hash.clone());
        let good = self.passwords.verify(password, hash).await?;
        match active.filter(|_| good) {
            Some(user) if self.takes_part(user.profile.tenant_id).await => {
                self.open_session(user, client, trace_id).await
            }
            Some(_) | None => Err(self.refuse(only.as_ref(), client, trace_id).await),
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
        tenant: Option<Uuid>,
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

/// Whose people are meant.
pub(super) enum Named {
    /// Those of a tenant, or of all.
    Scope(Scope),
    /// Those of a domain that no tenant has.
    Nobody,
}
