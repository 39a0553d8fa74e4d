//! How bookings end by themselves: nobody came, or their time is over. In batches, each booking under
//! its locks and judged again there, so that whoever cancels it at the same time wins or loses whole.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use common::auth::Scope;
use contracts::BookingStatus;
use uuid::Uuid;

use super::Bookings;
use super::edit::event_of;
use crate::error::Error;
use crate::store::{Booking, Due};

/// Batches of one run; what is left is for the next.
const MOST_BATCHES: u32 = 20;
/// Bookings ended in one transaction: it holds their resources' locks, and others wait for those.
const AT_ONCE: usize = 20;
/// Who did it, in the events.
const TRACE: &str = "finish bookings";

impl Bookings {
    /// Ends what is over: bookings that nobody came to, then those whose time has passed.
    pub(crate) async fn finish(&self) -> Result<(), Error> {
        for _ in 0..MOST_BATCHES {
            let now = self.clock.now();
            let due = self.store.due(now).await?;
            let full = due.is_full;
            let mut tenants: BTreeMap<Uuid, Vec<Due>> = BTreeMap::new();
            for booking in due.bookings {
                tenants.entry(booking.tenant).or_default().push(booking);
            }
            let mut failed = None;
            for (tenant, due) in tenants {
                for few in due.chunks(AT_ONCE) {
                    // One tenant's trouble is not another's.
                    failed = self.finish_of(tenant, few).await.err().or(failed);
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
            if !full {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn finish_of(&self, tenant: Uuid, due: &[Due]) -> Result<(), Error> {
        let done = self.store.database().transact(Scope::Tenant(tenant), |tx| async move {
            let tx = &*tx;
            let mut resources: Vec<Uuid> = due.iter().map(|booking| booking.resource).collect();
            resources.sort_unstable();
            resources.dedup();
            self.store.lock_resources(tx, tenant, &mut resources).await?;
            let mut ended = 0;
            for id in due.iter().map(|booking| booking.id) {
                let now = self.clock.now();
                let Some(old) = self.store.lock(tx, Scope::Tenant(tenant), id).await? else {
                    continue;
                };
                let Some(status) = ending(&old, now) else { continue };
                let mut new = old.clone();
                status.as_str().clone_into(&mut new.status);
                new.version += 1;
                new.updated_at = now;
                let event = event_of(&old, &new, now);
                if self.store.exchange(tx, &old, &new, &event, TRACE).await? {
                    ended += 1;
                }
            }
            Ok::<_, Error>(ended)
        });
        if done.await? > 0 {
            self.relay.wake();
            for booking in due {
                self.freed.mark(tenant, booking.resource);
            }
        }
        Ok(())
    }
}

/// The state a booking ends in, if it has ended.
///
/// Where the tenant asks people to check in, nobody came if nobody did so in time; a booking shorter
/// than that time ends before it. Otherwise a confirmed booking took place, and of one that was never
/// confirmed nobody knows. Who checked in was there. What took place ends with the room kept after it:
/// an ended booking claims nothing.
fn ending(booking: &Booking, now: DateTime<Utc>) -> Option<BookingStatus> {
    let came = booking.checked_in_at.is_some();
    let over = now >= booking.claim_end;
    match booking.status() {
        BookingStatus::Confirmado => match booking.no_show_at() {
            Some(at) if now >= at => Some(BookingStatus::NaoCompareceu),
            Some(_) | None => over.then_some(BookingStatus::Concluido),
        },
        BookingStatus::Pendente if came => over.then_some(BookingStatus::Concluido),
        BookingStatus::Pendente => over.then_some(BookingStatus::SemDados),
        BookingStatus::Reservado
        | BookingStatus::Cancelado
        | BookingStatus::Concluido
        | BookingStatus::SemDados
        | BookingStatus::NaoCompareceu => None,
    }
}
