//! Cancelling several bookings of a series: each by the policy that it was made with.

use std::collections::BTreeSet;

use common::auth::{Caller, Scope};
use common::version::Precondition;
use contracts::event::BookingEvent;
use contracts::series::SeriesScope;
use uuid::Uuid;

use super::{ATTEMPTS, SeriesChange};
use crate::app::cancel::{cancelled, event};
use crate::app::{Bookings, may_change};
use crate::error::Error;
use crate::joint::{Joint, RefusedOne};
use crate::store::{Booking, Together};

impl Bookings {
    /// Cancels this and the following bookings of a series, or all of them, that are still to take
    /// place. Those for which it is too late are told; if it is for all of them, that is the refusal.
    pub(crate) async fn cancel_series(
        &self,
        caller: &Caller,
        (id, scope): (Uuid, SeriesScope),
        reason: Option<&str>,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<SeriesChange, Error> {
        let seen = self.visible(caller, id).await?;
        may_change(caller, seen.user_id)?;
        wanted.check(seen.tag())?;
        let (series, which, _) = self.reach(&seen, scope).await?;
        let cancelled = self.cancel_together(caller, seen.tenant_id, which, reason, trace_id);
        let (bookings, refused) = cancelled.await.map_err(|error| error.of_write(id))?;
        Ok(SeriesChange { id: series.id, bookings, refused })
    }

    /// Cancels those of several bookings that can be: what was cancelled, and what was not. It is an
    /// error if nothing could be.
    pub(in crate::app) async fn cancel_together(
        &self,
        caller: &Caller,
        tenant: Uuid,
        which: Together,
        reason: Option<&str>,
        trace_id: &str,
    ) -> Result<(Vec<Booking>, Vec<RefusedOne>), Error> {
        for _ in 0..ATTEMPTS {
            match self.try_cancel(caller, tenant, which, reason, trace_id).await {
                Ok(done) => {
                    self.relay.wake();
                    for booking in &done.0 {
                        self.freed.mark(tenant, booking.resource_id);
                    }
                    return Ok(done);
                }
                Err(error) if Joint::came_between(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended)
    }

    async fn try_cancel(
        &self,
        caller: &Caller,
        tenant: Uuid,
        which: Together,
        reason: Option<&str>,
        trace_id: &str,
    ) -> Result<(Vec<Booking>, Vec<RefusedOne>), Error> {
        let seen = self.store.together(tenant, which).await?;
        let resources: BTreeSet<Uuid> = seen.iter().map(|booking| booking.resource_id).collect();
        let resources: &Vec<Uuid> = &resources.into_iter().collect();
        let done = self.store.database().transact(Scope::Tenant(tenant), |tx| async move {
            let tx = &*tx;
            // Shared places are given back under the lock of their resource.
            self.store.lock_resources(tx, tenant, &mut resources.clone()).await?;
            let held = self.store.lock_together(tx, tenant, which).await?;
            if held.iter().any(|booking| !resources.contains(&booking.resource_id)) {
                return Err(Joint::CameBetween.into());
            }
            let now = self.clock.now();
            let mut changed: Vec<(Booking, BookingEvent)> = Vec::new();
            let mut refused = Vec::new();
            for mut booking in held.into_iter().filter(|booking| booking.status().is_active()) {
                let by = caller.user_id();
                if let Err(why) = cancelled(&mut booking, by, reason.map(str::to_owned), now) {
                    let (start, id) = (booking.start_time, Some(booking.id));
                    refused.push(RefusedOne {
                        start,
                        booking: id,
                        resource: None,
                        asked: None,
                        why,
                    });
                    continue;
                }
                booking.version += 1;
                booking.updated_at = now;
                let event = event(&booking);
                changed.push((booking, event));
            }
            let in_part = matches!(which, Together::Series { .. }) && !changed.is_empty();
            if !refused.is_empty() && !in_part {
                return Err(Joint::Refused(refused).into());
            }
            self.store.update_all(tx, &changed, false, trace_id).await?;
            let bookings = changed.into_iter().map(|(booking, _)| booking).collect();
            Ok::<_, Error>((bookings, refused))
        });
        done.await
    }
}
