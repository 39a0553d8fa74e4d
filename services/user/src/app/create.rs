//! Makes a user.

use common::auth::Caller;
use common::providers::SettingsError;
use contracts::authority::PLATFORM;
use contracts::user::CreateUser;
use uuid::Uuid;

use super::Users;
use super::rules::{self, Creation, Standing};
use crate::error::Error;
use crate::store::{self, User};

impl Users {
    /// Stores a new user. No event: nobody can hold facts of an id that was not known before.
    pub(crate) async fn create(
        &self,
        caller: Option<&Caller>,
        mut profile: CreateUser,
    ) -> Result<User, Error> {
        let tenant = profile.tenant_id;
        let creation = rules::creation(caller, tenant, Standing::of(&profile))?;
        if let (Some(caller), Some(_)) = (caller, &profile.password) {
            caller.in_person().map_err(|_| Error::NotAllowed)?;
        }
        self.tenant_exists(tenant).await?;
        let hash = match profile.password.take() {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };
        let user = User::new(self.ids.next(), profile, hash, self.clock.now());
        let insert = self.database.transact(async |tx| {
            if creation == Creation::Bootstrap {
                store::hold_tenant(&tx, tenant).await?;
                if !store::is_empty(&tx, tenant).await? {
                    return Err(Error::NotAllowed);
                }
            }
            Ok(store::insert(&tx, &user).await?)
        });
        insert.await?;
        Ok(user)
    }

    pub(super) async fn tenant_exists(&self, tenant: Uuid) -> Result<(), Error> {
        if tenant == PLATFORM {
            // Operators are not made over HTTP, whatever the provider of settings may say.
            return Err(Error::UnknownTenant);
        }
        match self.tenants.settings(tenant).await {
            Ok(_) => Ok(()),
            Err(SettingsError::Unknown) => Err(Error::UnknownTenant),
            Err(error @ (SettingsError::Unreachable(_) | SettingsError::Garbage(_))) => {
                Err(Error::TenantUnverified(error.to_string()))
            }
        }
    }
}
