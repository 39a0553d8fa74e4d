//! Hands out everything held about a user: asked for here, put together by a job.

use chrono::{DateTime, TimeDelta, Utc};
use common::auth::Caller;
use common::db::Scope;
use contracts::security::{Security, SecurityEvent};
use uuid::Uuid;

use super::{Users, rules};
use crate::error::Error;
use crate::store::exports::{self, Request, State};
use crate::store::{self, Tx};

/// How long a document counts as what is held now.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// How long a document is kept.
pub(super) const KEPT: TimeDelta = TimeDelta::hours(24);

/// What can be said of an export now.
pub(crate) enum Export {
    /// It is being put together since then.
    Pending(DateTime<Utc>),
    /// The document, as JSON.
    Ready(String),
}

impl Users {
    /// The document about a user, or since when it is being put together. The first call begins that,
    /// and so does the first after it failed or is too old.
    pub(crate) async fn export(
        &self,
        caller: &Caller,
        id: Uuid,
        trace_id: &str,
    ) -> Result<Export, Error> {
        let tenant = self.whose(caller, id).await?;
        let own = Scope::Tenant(tenant);
        if let Some(State::Pending(since)) = exports::state(&self.database.read(own), id).await? {
            return Ok(Export::Pending(since));
        }
        let done = self.database.transact(own, async |tx| {
            // Calls at the same time come one after the other, and none after the user has gone.
            store::lock(&tx, own, id).await?.ok_or(Error::Unknown)?;
            self.hand_out(&tx, caller, tenant, id, trace_id).await
        });
        let export = done.await?;
        match export {
            Export::Pending(_) => self.export_due.notify_one(),
            Export::Ready(_) => self.relay.wake(),
        }
        Ok(export)
    }

    /// The tenant of a user whose data the caller may have.
    async fn whose(&self, caller: &Caller, id: Uuid) -> Result<Uuid, Error> {
        let found = store::find(&self.database.read(caller.scope()), caller.scope(), id).await?;
        let tenant = found.ok_or(Error::Unknown)?.profile.tenant_id;
        rules::removal(caller, id)?;
        Ok(tenant)
    }

    async fn hand_out(
        &self,
        tx: &Tx,
        caller: &Caller,
        tenant: Uuid,
        user: Uuid,
        trace_id: &str,
    ) -> Result<Export, Error> {
        let now = self.clock.now();
        match exports::state(tx, user).await? {
            Some(State::Pending(since)) => return Ok(Export::Pending(since)),
            Some(State::Ready(at, expires)) if at + FRESH > now && expires > now => {
                if let Some(document) = exports::document(tx, user).await? {
                    let event = SecurityEvent::UserExported;
                    let about = about(caller, tenant, user);
                    self.security(tx, event, &about, trace_id).await?;
                    return Ok(Export::Ready(document));
                }
            }
            Some(State::Ready(..) | State::Failed) | None => {}
        }
        let (id, by, expires_at) = (self.ids.next(), caller.user_id(), now + KEPT);
        exports::begin(tx, &Request { id, tenant, user, by, at: now, expires_at }).await?;
        Ok(Export::Pending(now))
    }
}

/// A user, and who else did it.
pub(super) fn about(caller: &Caller, tenant_id: Uuid, user: Uuid) -> Security {
    let by = caller.user_id().filter(|by| *by != user);
    Security { tenant_id, user_id: Some(user), by, ..Security::default() }
}
