//! API keys: how an integration signs in for its tenant. A key belongs to the tenant, not to whoever
//! made it, and stays when that person goes.

mod create;
mod facts;
mod read;
mod revoke;
mod secret;

use common::auth::{Caller, Scope};
use common::streams::Draft;
use contracts::security::{Security, SecurityEvent};
use uuid::Uuid;

use super::Users;
use crate::error::Error;
use crate::events::security;
use crate::store::api_key::ApiKey;

impl Users {
    /// Refuses anyone but an admin of the tenant. That a tenant exists is public, so another one's
    /// admin is told that it is another one's.
    async fn admin_of(&self, caller: &Caller, tenant: Uuid) -> Result<(), Error> {
        if caller.scope() != Scope::Tenant(tenant) {
            self.password_policy(tenant).await?;
            if !caller.scope().covers(tenant) {
                return Err(Error::OtherTenant);
            }
        }
        if caller.is_admin() { Ok(()) } else { Err(Error::NotAllowed) }
    }
}

/// The log entry of what happened to a key.
fn told(event: SecurityEvent, key: &ApiKey, by: Option<Uuid>) -> Draft {
    let (tenant_id, api_key_id) = (key.tenant_id, Some(key.id));
    let about = Security { tenant_id, api_key_id, by, ..Security::default() };
    security(event, &about)
}

/// Who really does what `caller` does: the operator, where one acts as a user.
fn doer(caller: &Caller) -> Option<Uuid> {
    match caller {
        Caller::Developer => None,
        Caller::User(identity) => {
            let operator = identity.session().and_then(|session| session.impersonator);
            Some(operator.unwrap_or(identity.user_id))
        }
    }
}
