//! Removes a user: the account alone, or with it whatever leads back to the person.

use common::auth::Caller;
use common::db::{Answer, Once};
use common::version::Precondition;
use contracts::event::DirectoryEvent;
use contracts::security::SecurityEvent;
use uuid::Uuid;

use super::export::about;
use super::{Ended, Users, Why, rules};
use crate::error::Error;
use crate::events::{self, draft};
use crate::store::session::{self, Ending};
use crate::store::{self, DbErr, Tx, User, api_key};

/// How much of a user goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// The account. Bookings still say whose they were.
    Account,
    /// Everything that leads back to the person.
    Person,
}

impl Users {
    /// Removes the user. Active bookings of it are cancelled when `user.deleted` is heard there.
    pub(crate) async fn delete(
        &self,
        caller: &Caller,
        id: Uuid,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<(), Error> {
        let removed = self.database.transact(caller.scope(), async |tx| {
            let current = removable(&tx, caller, id).await?;
            wanted.check(current.version())?;
            self.remove(&tx, caller, current, Depth::Account, trace_id).await
        });
        self.removed(id, &removed.await?);
        Ok(())
    }

    /// Removes the user and the person, once: bookings become nobody's when `security.user_erased` is
    /// heard there.
    pub(crate) async fn erase(
        &self,
        caller: &Caller,
        id: Uuid,
        once: &Once,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        let removed = once.run(&self.database, caller.scope(), async |tx| {
            let current = removable(&tx, caller, id).await?;
            let ended = self.remove(&tx, caller, current, Depth::Person, trace_id).await?;
            Ok::<_, Error>((Answer::no_content(), ended))
        });
        let (answer, ended) = removed.await?;
        if let Some(ended) = ended {
            self.removed(id, &ended);
        }
        Ok(answer)
    }

    async fn remove(
        &self,
        tx: &Tx,
        caller: &Caller,
        current: User,
        depth: Depth,
        trace_id: &str,
    ) -> Result<Ended, Error> {
        let id = current.id;
        store::delete(tx, id).await?;
        let (tenant, version) = (current.profile.tenant_id, current.version + 1);
        let mut told = vec![draft(DirectoryEvent::UserDeleted, tenant, id, version)];
        if depth == Depth::Person {
            let about = about(caller, tenant, id);
            told.push(events::security(SecurityEvent::UserErased, &about));
        }
        self.outbox.append(tx, trace_id, &told).await?;
        let all = Ending::User { id, except: None };
        let ended = self.end_sessions(tx, all, Why::UserDeleted, trace_id).await?;
        session::forget_clients(tx, all).await?;
        if depth == Depth::Person {
            self.forget_person(tx, tenant, id, &current.profile.email).await?;
        }
        Ok(ended)
    }

    /// After the commit.
    fn removed(&self, id: Uuid, ended: &Ended) {
        self.people.forget(id);
        self.sessions_ended(ended);
    }

    /// Removes what a deleted account leaves behind for a while.
    async fn forget_person(
        &self,
        tx: &Tx,
        tenant: Uuid,
        id: Uuid,
        email: &str,
    ) -> Result<(), DbErr> {
        self.pardon(tx, tenant, email).await?;
        api_key::forget_maker(tx, tenant, id).await?;
        session::delete_of_user(tx, id).await
    }
}

/// The user, held, if the caller may remove it.
async fn removable(tx: &Tx, caller: &Caller, id: Uuid) -> Result<User, Error> {
    let current = store::lock(tx, caller.scope(), id).await?.ok_or(Error::Unknown)?;
    rules::removal(caller, id)?;
    Ok(current)
}
