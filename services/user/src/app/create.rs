//! Makes a user.

use common::auth::{Caller, Scope};
use common::db::{Answer, Once};
use common::providers::SettingsError;
use contracts::authority::PLATFORM;
use contracts::password::PasswordPolicy;
use contracts::session::Register;
use contracts::user::CreateUser;
use uuid::Uuid;

use super::login::Named;
use super::rules::{self, Creation, Standing};
use super::{Passwords, Users};
use crate::error::Error;
use crate::store::{self, User};

impl Users {
    /// Stores a new user, once. No event: nobody can hold facts of an id that was not known before.
    pub(crate) async fn create(
        &self,
        caller: Option<&Caller>,
        once: &Once,
        profile: CreateUser,
    ) -> Result<Answer, Error> {
        let tenant = profile.tenant_id;
        if tenant == PLATFORM {
            // Operators are not made over HTTP, whatever the provider of settings may say.
            return Err(Error::UnknownTenant);
        }
        let creation = rules::creation(caller, tenant, Standing::of(&profile))?;
        if let (Some(caller), Some(_)) = (caller, &profile.password) {
            caller.in_person().map_err(|_| Error::NotAllowed)?;
        }
        let rest = self.insert(once, creation, profile);
        once.unless_done(&self.database, Scope::Tenant(tenant), rest).await
    }

    async fn insert(
        &self,
        once: &Once,
        creation: Creation,
        mut profile: CreateUser,
    ) -> Result<Answer, Error> {
        let tenant = profile.tenant_id;
        let policy = self.password_policy(tenant).await?;
        let hash = match profile.password.take() {
            Some(password) => {
                Passwords::accept(policy, &password).map_err(Error::Invalid)?;
                Some(self.passwords.hash(password).await?)
            }
            None => None,
        };
        let user = User::new(self.ids.next(), profile, hash, self.clock.now());
        let inserted = once.run(&self.database, Scope::Tenant(tenant), async |tx| {
            if creation == Creation::Bootstrap {
                store::hold_tenant(&tx, tenant).await?;
                if !store::is_empty(&tx, tenant).await? {
                    return Err(Error::NotAllowed);
                }
            }
            store::insert(&tx, &user).await?;
            Ok::<_, Error>((Answer::made(&user.clone().versioned())?, ()))
        });
        let (answer, _) = inserted.await?;
        Ok(answer)
    }

    /// The same for somebody who makes an account for himself.
    pub(crate) async fn register(&self, once: &Once, wanted: Register) -> Result<Answer, Error> {
        let tenant = match self.named(wanted.tenant_id, wanted.domain.as_deref()).await? {
            Named::Scope(Scope::Tenant(tenant)) => tenant,
            Named::Scope(Scope::All) | Named::Nobody(_) => return Err(Error::UnknownTenant),
        };
        self.create(None, once, CreateUser { tenant_id: tenant, ..wanted.profile }).await
    }

    /// What a tenant asks of passwords, and there must be such a tenant; the platform asks for what
    /// everyone asks.
    pub(super) async fn password_policy(&self, tenant: Uuid) -> Result<PasswordPolicy, Error> {
        if tenant == PLATFORM {
            return Ok(PasswordPolicy::default());
        }
        match self.tenants.settings(tenant).await {
            Ok(rules) => Ok(rules.settings.password_policy),
            Err(SettingsError::Unknown) => Err(Error::UnknownTenant),
            Err(error @ (SettingsError::Unreachable(_) | SettingsError::Garbage(_))) => {
                Err(Error::TenantUnverified(error.to_string()))
            }
        }
    }
}
