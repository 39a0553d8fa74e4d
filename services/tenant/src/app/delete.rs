//! Removes a business.

use common::auth::{Principal, Session};
use common::version::Precondition;
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
        principal: &Principal,
        id: Uuid,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<(), Error> {
        let removed = self.database.transact(principal.scope(), async |tx| {
            store::find(&*tx, id).await?.ok_or(Error::Unknown)?;
            admin_of(principal, id)?;
            in_person(principal)?;
            let current = store::lock(&tx, id).await?.ok_or(Error::Unknown)?;
            wanted.check(current.version())?;
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

/// Refuses an operator who acts as an admin: he deletes a tenant in his own name or not at all.
fn in_person(principal: &Principal) -> Result<(), Error> {
    match principal.session() {
        Some(Session { impersonator: Some(_), .. }) => Err(Error::NotAllowed),
        Some(Session { impersonator: None, .. }) | None => Ok(()),
    }
}
