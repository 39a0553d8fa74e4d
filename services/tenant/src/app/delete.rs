//! Removes a business.

use common::auth::Caller;
use contracts::event::DirectoryEvent;
use uuid::Uuid;

use super::{Tenants, admin_of};
use crate::error::Error;
use crate::events::draft;
use crate::store;

impl Tenants {
    /// Removes the tenant. What it has elsewhere goes when `tenant.deleted` is heard there.
    pub(crate) async fn delete(
        &self,
        caller: &Caller,
        id: Uuid,
        trace_id: &str,
    ) -> Result<(), Error> {
        let removed = self.database.transact(caller.scope(), async |tx| {
            store::find(&*tx, id).await?.ok_or(Error::Unknown)?;
            admin_of(caller, id)?;
            let current = store::lock(&tx, id).await?.ok_or(Error::Unknown)?;
            store::delete(&tx, id).await?;
            let event = draft(DirectoryEvent::TenantDeleted, id, current.version + 1);
            self.outbox.append(&*tx, trace_id, &[event]).await?;
            Ok::<_, Error>(())
        });
        removed.await?;
        self.relay.wake();
        Ok(())
    }
}
