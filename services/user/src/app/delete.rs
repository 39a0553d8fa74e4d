//! Removes a user.

use common::auth::Caller;
use contracts::event::DirectoryEvent;
use uuid::Uuid;

use super::{Users, Why, rules};
use crate::error::Error;
use crate::events::draft;
use crate::store;
use crate::store::session::{self, Ending};

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
            let all = Ending::User { id, except: None };
            let ended = self.end_sessions(&tx, all, Why::UserDeleted, trace_id).await?;
            session::forget_clients(&tx, all).await?;
            Ok::<_, Error>(ended)
        });
        let ended = removed.await?;
        self.people.forget(id);
        self.sessions_ended(&ended);
        Ok(())
    }
}
