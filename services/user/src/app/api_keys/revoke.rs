//! Takes an API key out of use, for good.

use common::auth::{Caller, Scope};
use contracts::security::SecurityEvent;
use uuid::Uuid;

use super::{doer, told};
use crate::app::Users;
use crate::error::Error;
use crate::store::api_key;

impl Users {
    /// Revokes a key of the tenant; one that is revoked already stays as it is.
    pub(crate) async fn revoke_api_key(
        &self,
        caller: &Caller,
        tenant: Uuid,
        id: Uuid,
        trace_id: &str,
    ) -> Result<(), Error> {
        self.admin_of(caller, tenant).await?;
        let revoked = self.database.transact(Scope::Tenant(tenant), async |tx| {
            let mut key = api_key::lock(&tx, tenant, id).await?.ok_or(Error::UnknownKey)?;
            if key.revoked_at.is_some() {
                return Ok(());
            }
            key.revoked_at = Some(self.clock.now());
            let event = told(SecurityEvent::ApiKeyRevoked, &key, doer(caller));
            api_key::update(&tx, key).await?;
            Ok::<_, Error>(self.outbox.append(&*tx, trace_id, &[event]).await?)
        });
        revoked.await?;
        self.people.forget_api_keys();
        self.relay.wake();
        Ok(())
    }
}
