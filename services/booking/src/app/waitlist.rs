//! Joining, seeing and leaving the waiting list.

use common::auth::{Caller, Scope};
use common::db::{Answer, Once, Tx};
use contracts::BookingStatus;
use contracts::booking::PlaceBooking;
use contracts::waitlist::{JoinWaitlist, WaitlistView};
use uuid::Uuid;

use super::claim::Wanted;
use super::place::authorize;
use super::{Bookings, may_change};
use crate::error::Error;
use crate::store::{Entry, Gone, Turn, Waiting};

/// The most times one user waits for.
const MOST_OF_USER: u32 = 20;

/// What a caller asks of the waiting list.
pub(crate) struct WaitingList {
    pub(crate) scope: Scope,
    pub(crate) filter: Waiting,
    pub(crate) after: Option<Turn>,
    pub(crate) limit: u64,
    pub(crate) count: bool,
}

impl Bookings {
    /// Puts a user on the list for a time that could be booked were it not full.
    pub(crate) async fn join_waitlist(
        &self,
        caller: &Caller,
        once: &Once,
        asked: &JoinWaitlist,
    ) -> Result<Answer, Error> {
        authorize(caller, &as_booking(asked))?;
        let own = Scope::Tenant(asked.tenant_id);
        let rest = Box::pin(self.join_once(caller, once, asked));
        once.unless_done(self.store.database(), own, rest).await
    }

    async fn join_once(
        &self,
        caller: &Caller,
        once: &Once,
        asked: &JoinWaitlist,
    ) -> Result<Answer, Error> {
        let request = &as_booking(asked);
        let candidate = self.candidate(request).await?;
        if let Some(refusal) = candidate.off_grid {
            return Err(Error::Refused(refusal));
        }
        let wanted = &Wanted::new(asked.tenant_id, &candidate, asked.quantity);
        let entry = &Entry {
            id: self.ids.next(),
            tenant_id: asked.tenant_id,
            resource_id: asked.resource_id,
            user_id: asked.user_id,
            start_time: candidate.span.start(),
            end_time: candidate.span.end(),
            quantity: i32::try_from(asked.quantity).unwrap_or(i32::MAX),
            booking_id: None,
            hold_token: None,
            created_at: self.clock.now(),
        };
        let scope = Scope::Tenant(entry.tenant_id);
        let joined = once.run(self.store.database(), scope, |tx: Tx| async move {
            let tx = &*tx;
            let mut locks = [entry.resource_id, entry.user_id];
            self.store.lock_resources(tx, entry.tenant_id, &mut locks).await?;
            let ids = [entry.tenant_id, entry.resource_id, entry.user_id];
            if let Some(gone) = Gone::any(tx, &ids).await? {
                return Err(gone.into());
            }
            let own = self.store.waited_for(tx, entry.user_id).await?;
            if own.iter().any(|other| same(other, entry)) {
                return Err(Error::AlreadyWaiting);
            }
            if u32::try_from(own.len()).unwrap_or(u32::MAX) >= MOST_OF_USER {
                return Err(Error::TooManyWaiting { most: MOST_OF_USER });
            }
            match self.obstacle(tx, wanted).await? {
                None => return Err(Error::SlotIsFree),
                // More than there will ever be.
                Some(Error::Full { conflicts, remaining }) if conflicts.is_empty() => {
                    return Err(Error::Full { conflicts, remaining });
                }
                Some(_) => {}
            }
            self.store.join(tx, entry).await?;
            let beside = self.store.beside(tx, std::slice::from_ref(entry)).await?;
            let view = entry.clone().view(&beside, caller.user_id());
            Ok::<_, Error>((Answer::created(&view)?, ()))
        });
        let (answer, _) = joined.await.map_err(|error: Error| error.of_write(entry.id))?;
        // Who made room meanwhile did not know of it.
        self.freed.mark(entry.tenant_id, entry.resource_id);
        Ok(answer)
    }

    /// A page of entries in their order, and how many there are if that was asked.
    pub(crate) async fn waitlist(
        &self,
        caller: &Caller,
        mut list: WaitingList,
    ) -> Result<(Vec<Entry>, Option<u64>), Error> {
        if !caller.permissions().can_view_all_bookings {
            // A plain user sees only his own, whatever he asks for.
            let own = caller.user_id();
            if list.filter.user_id.is_some() && list.filter.user_id != own {
                return Ok((Vec::new(), list.count.then_some(0)));
            }
            list.filter.user_id = own;
        }
        let WaitingList { scope, filter, after, limit, count } = list;
        let rows = self.store.entries(scope, &filter, after, limit).await?;
        let total =
            if count { Some(self.store.count_entries(scope, &filter).await?) } else { None };
        Ok((rows, total))
    }

    /// Takes an entry off the list, and gives back what it was offered.
    pub(crate) async fn leave_waitlist(
        &self,
        caller: &Caller,
        id: Uuid,
        trace_id: &str,
    ) -> Result<(), Error> {
        let scope = caller.scope();
        let seen = self.store.entry(&self.store.database().read(scope), scope, id).await?;
        let seen = &seen.ok_or(Error::NoEntry)?;
        may_change(caller, seen.user_id)?;
        let left = self.store.database().transact(scope, |tx| async move {
            let tx = &*tx;
            self.store.lock_resources(tx, seen.tenant_id, &mut [seen.resource_id]).await?;
            let entry = self.store.entry(tx, scope, id).await?.ok_or(Error::NoEntry)?;
            if let Some(offered) = entry.booking_id
                && let Some(hold) = self.store.lock(tx, scope, offered).await?
                && hold.status() == BookingStatus::Reservado
            {
                self.give_back(tx, hold, caller.user_id(), trace_id).await?;
            }
            Ok::<_, Error>(self.store.leave(tx, id).await?)
        });
        left.await.map_err(|error: Error| error.of_write(id))?;
        self.relay.wake();
        self.freed.mark(seen.tenant_id, seen.resource_id);
        Ok(())
    }

    /// Entries as `caller` may see them.
    pub(crate) async fn all_shown(
        &self,
        scope: Scope,
        entries: Vec<Entry>,
        caller: Option<Uuid>,
    ) -> Result<Vec<WaitlistView>, Error> {
        let beside = self.store.beside(&self.store.database().read(scope), &entries).await?;
        Ok(entries.into_iter().map(|entry| entry.view(&beside, caller)).collect())
    }
}

fn same(one: &Entry, other: &Entry) -> bool {
    let what = |it: &Entry| (it.resource_id, it.start_time, it.end_time);
    what(one) == what(other)
}

fn as_booking(asked: &JoinWaitlist) -> PlaceBooking {
    let JoinWaitlist { tenant_id, resource_id, user_id, start_time, end_time, quantity } = *asked;
    PlaceBooking::plain(tenant_id, resource_id, user_id, (start_time, end_time), quantity)
}
