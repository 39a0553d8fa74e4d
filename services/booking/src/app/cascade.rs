//! What follows from deletions elsewhere: a deleted tenant's bookings go; the active bookings of a
//! deleted user or resource are cancelled, one event each; those of an erased user become nobody's.

use common::auth::Scope;
use sea_orm::{DatabaseTransaction, DbErr};
use uuid::Uuid;

use super::Bookings;
use super::cancel::{enter, event};
use crate::error::Error;
use crate::store::{EntryColumn, Filter, Gone, LinksOf};

/// How far back the sweep looks. An insert that began before a deletion was known has ended by then:
/// no statement lives longer than five seconds.
const SWEEP_BACK: chrono::TimeDelta = chrono::TimeDelta::seconds(60);

/// How long a deletion is remembered. The neighbours' own answers say "not found" long before.
const TOMBSTONES_KEPT: chrono::TimeDelta = chrono::TimeDelta::days(7);

impl Bookings {
    /// Carries a deletion out, in the transaction that also keeps the consumer's checkpoint.
    pub(crate) async fn remove(
        &self,
        tx: &DatabaseTransaction,
        gone: Gone,
        tenant: Uuid,
        id: Uuid,
        trace_id: &str,
    ) -> Result<u64, DbErr> {
        gone.remember(tx, tenant, id, self.clock.now()).await?;
        self.follow(tx, gone, id, trace_id).await
    }

    async fn follow(
        &self,
        tx: &DatabaseTransaction,
        gone: Gone,
        id: Uuid,
        trace_id: &str,
    ) -> Result<u64, DbErr> {
        let feeds = self.store.clear_feeds(tx, gone, id).await?;
        let (filter, reason) = match gone {
            Gone::Tenant => {
                let entries = self.store.clear_waitlist(tx, EntryColumn::TenantId, id).await?;
                let links = self.store.clear_links(tx, LinksOf::Tenant(id)).await?;
                return Ok(feeds + entries + links + self.store.delete_tenant(tx, id).await?);
            }
            Gone::User | Gone::Erased => {
                (Filter { user_id: Some(id), ..Filter::default() }, "Usuário deletado")
            }
            Gone::Resource => {
                (Filter { resource_id: Some(id), ..Filter::default() }, "Recurso deletado")
            }
        };
        let whose =
            if gone == Gone::Resource { EntryColumn::ResourceId } else { EntryColumn::UserId };
        self.store.clear_waitlist(tx, whose, id).await?;
        if gone != Gone::Resource {
            self.store.clear_links(tx, LinksOf::User(id)).await?;
        }
        let mut count = 0;
        loop {
            let batch = self.store.active_of(tx, &filter).await?;
            if batch.is_empty() {
                break;
            }
            for mut booking in batch {
                let now = self.clock.now();
                enter(&mut booking, None, Some(reason.to_owned()), now);
                booking.version += 1;
                booking.updated_at = now;
                self.store.update(tx, &booking, &event(&booking), trace_id).await?;
                self.freed.mark(booking.tenant_id, booking.resource_id);
                count += 1;
            }
        }
        match gone {
            Gone::Tenant | Gone::Resource | Gone::User => Ok(count),
            Gone::Erased => {
                self.store.forget_maker(tx, id).await?;
                Ok(count + self.make_nameless(tx, id).await?)
            }
        }
    }

    /// Looks the deletions of the last minute over again: a booking may have been on its way while
    /// its resource's deletion was carried out.
    pub(crate) async fn sweep(&self) -> Result<(), Error> {
        let since = self.clock.now() - SWEEP_BACK;
        for (gone, id) in self.store.recently_gone(since).await? {
            // A tombstone may be of anyone's user or resource.
            let done = self.store.database().transact(Scope::All, |tx| async move {
                Ok::<_, Error>(self.follow(&tx, gone, id, "sweep").await?)
            });
            if done.await? > 0 {
                self.relay.wake();
            }
        }
        self.store.forget_gone(self.clock.now() - TOMBSTONES_KEPT).await?;
        Ok(())
    }
}
