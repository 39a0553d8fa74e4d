//! Removes a user.

use common::auth::Caller;
use contracts::event::DirectoryEvent;
use uuid::Uuid;

use super::{Users, rules};
use crate::error::Error;
use crate::events::draft;
use crate::store;

impl Users {
    /// Removes the user. Active bookings of it are cancelled when `user.deleted` is heard there.
    pub(crate) async fn delete(
        &self,
        caller: &Caller,
        id: Uuid,
        trace_id: &str,
    ) -> Result<(), Error> {
        let removed = self.database.transact(caller.scope(), async |tx| {
            let current = store::lock(&tx, caller.scope(), id).await?.ok_or(Error::Unknown)?;
            rules::removal(caller, id)?;
            store::delete(&tx, id).await?;
            let (tenant, version) = (current.profile.tenant_id, current.version + 1);
            let event = draft(DirectoryEvent::UserDeleted, tenant, id, version);
            self.outbox.append(&*tx, trace_id, &[event]).await?;
            Ok::<_, Error>(())
        });
        removed.await?;
        self.people.forget(id);
        self.relay.wake();
        Ok(())
    }
}
