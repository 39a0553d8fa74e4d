//! Changing a booking: one update in one transaction, or nothing.

use common::auth::Caller;
use common::db::{Fault, classify};
use common::version::Precondition;
use contracts::BookingStatus;
use contracts::booking::{BookingView, EditBooking};
use contracts::event::{BookingEvent, BookingStatusChanged, BookingUpdated};
use scheduling::{Span, TimeInput};
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::cancel::cancelled;
use super::claim::Wanted;
use super::read::changes;
use super::{Bookings, Candidate, Offer, may_change};
use crate::error::Error;
use crate::store::{Booking, Gone};

/// How often an edit is begun again because the booking changed between its reading and its lock.
const ATTEMPTS: u32 = 5;

impl Bookings {
    /// Changes a booking.
    pub(crate) async fn edit(
        &self,
        caller: &Caller,
        id: Uuid,
        edit: EditBooking,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<BookingView, Error> {
        for _ in 0..ATTEMPTS {
            let seen = self.visible(caller, id).await?;
            may_change(caller, seen.user_id)?;
            if seen.status() == BookingStatus::Reservado {
                return Err(Error::IsHold);
            }
            wanted.check(seen.tag())?;
            if edit.status.is_some_and(|next| is_for_admins(seen.status(), next)) {
                caller.admin().map_err(|_| Error::NotAllowed)?;
            }
            match Box::pin(self.try_edit(caller, &seen, &edit, trace_id)).await {
                Ok(None) => {}
                Ok(Some(view)) => return Ok(view),
                Err(error) => return Err(self.explained_edit(&seen, &edit, error).await),
            }
        }
        Err(Error::Contended)
    }

    /// `None`: the booking changed since it was read; begin again.
    async fn try_edit(
        &self,
        caller: &Caller,
        seen: &Booking,
        edit: &EditBooking,
        trace_id: &str,
    ) -> Result<Option<BookingView>, Error> {
        let plan = self.plan(seen, edit).await?;
        self.apply(caller, seen, edit, &plan, trace_id).await
    }

    /// Judges a new time or resource by the rules, before any lock is taken.
    async fn plan(&self, seen: &Booking, edit: &EditBooking) -> Result<Plan, Error> {
        let resource_id = edit.resource_id.unwrap_or(seen.resource_id);
        if edit.start_time.is_none() && edit.end_time.is_none() && resource_id == seen.resource_id {
            return self.resized(seen, edit).await;
        }
        let rules = self.rules(seen.tenant_id).await?;
        let resolve = |time: &Option<TimeInput>, old| match time {
            Some(time) => time.resolve(&rules.rules.zone).map_err(|_| Error::NonexistentLocalTime),
            None => Ok(old),
        };
        let (start, end) =
            (resolve(&edit.start_time, seen.start_time)?, resolve(&edit.end_time, seen.end_time)?);
        if (start, end, resource_id) == (seen.start_time, seen.end_time, seen.resource_id) {
            return self.resized(seen, edit).await;
        }
        if edit.status == Some(BookingStatus::Cancelado) {
            return Err(Error::CancelAndMove);
        }
        let resource = self.resource(seen.tenant_id, resource_id).await?;
        let (start, end) = (TimeInput::Instant(start), TimeInput::Instant(end));
        let candidate = self.window(&rules, &resource, &start, &end)?;
        Ok(Plan { resource_id, moved: Some(candidate) })
    }

    /// The same time on the same resource. Nothing is claimed anew unless more places are wanted, or
    /// the booking had given up its own.
    async fn resized(&self, seen: &Booking, edit: &EditBooking) -> Result<Plan, Error> {
        let resource_id = seen.resource_id;
        let resized =
            edit.quantity.is_some_and(|places| i64::from(places) != i64::from(seen.quantity));
        let returns = !seen.status().takes_interval()
            && edit.status.is_some_and(contracts::BookingStatus::is_active);
        if !returns && (!resized || seen.exclusive) {
            return Ok(Plan { resource_id, moved: None });
        }
        // The facts of now: the capacity may be another one.
        let rules = self.rules(seen.tenant_id).await?;
        let resource = self.resource(seen.tenant_id, resource_id).await?;
        let offer = Offer::new(&rules, &resource);
        let candidate = Candidate { span: seen.span()?, off_grid: None, offer };
        Ok(Plan { resource_id, moved: Some(candidate) })
    }

    /// `None`: the booking changed since it was read; begin again.
    async fn apply(
        &self,
        caller: &Caller,
        seen: &Booking,
        edit: &EditBooking,
        plan: &Plan,
        trace_id: &str,
    ) -> Result<Option<BookingView>, Error> {
        self.look_first(seen, edit, plan).await?;
        let _turn = self.gate.turn(plan.resource_id).await?;
        let done = self.store.database().transact(caller.scope(), |tx| async move {
            let tx = &*tx;
            let mut locks = vec![seen.resource_id, seen.user_id];
            if plan.resource_id != seen.resource_id {
                locks.push(plan.resource_id);
            }
            if plan.moved.as_ref().is_none_or(|moved| moved.offer.asked.limits.is_empty()) {
                locks.retain(|id| *id != seen.user_id);
            }
            self.store.lock_resources(tx, seen.tenant_id, &mut locks).await?;
            let stored =
                self.store.lock(tx, caller.scope(), seen.id).await?.ok_or(Error::NoBooking)?;
            if stored.version != seen.version {
                return Ok(None);
            }
            self.write(tx, caller, stored, edit, plan, trace_id).await.map(Some)
        });
        let changed = match done.await {
            Err(Error::Database(error)) if classify(&error) == Fault::Overlap => {
                // A booking came between the check and the write.
                let found = self.in_the_way_of(seen, edit, plan).await?;
                return Err(found.unwrap_or(Error::Contended));
            }
            other => other.map_err(|error| error.of_write(seen.id))?,
        };
        Ok(changed.map(|booking| {
            self.relay.wake();
            self.freed.mark(seen.tenant_id, seen.resource_id);
            booking.view(self.clock.now())
        }))
    }

    async fn write(
        &self,
        tx: &DatabaseTransaction,
        caller: &Caller,
        stored: Booking,
        edit: &EditBooking,
        plan: &Plan,
        trace_id: &str,
    ) -> Result<Booking, Error> {
        let now = self.clock.now();
        let mut next = edited(&stored, edit, plan);
        let status = edit.status.unwrap_or(stored.status());
        let claims =
            status.is_active() && (plan.moved.is_some() || !stored.status().takes_interval());
        let unapproved = plan.moved.as_ref().is_some_and(|moved| waits(caller, moved, status));
        let status = if claims && unapproved { BookingStatus::Pendente } else { status };
        if claims {
            // What was deleted cannot be claimed again, however late its event came.
            let ids = [next.tenant_id, next.resource_id, next.user_id];
            if let Some(gone) = Gone::any(tx, &ids).await? {
                return Err(gone.into());
            }
            self.bury(tx, &[next.resource_id], trace_id).await?;
            if let Some(moved) = &plan.moved {
                self.store.obey_lowering(tx, &mut next, &moved.offer.resource).await?;
            }
            if let Some(refusal) = self.obstacle(tx, &Wanted::of(&next)?).await? {
                return Err(refusal);
            }
        }
        if let Some(Candidate { off_grid: Some(refusal), .. }) = &plan.moved {
            return Err(Error::Refused(refusal.clone()));
        }
        if let Some(moved) = plan.moved.as_ref().filter(|_| claims) {
            self.check_limits(tx, &next, &moved.offer).await?;
        }
        if status == BookingStatus::Cancelado && stored.status() != BookingStatus::Cancelado {
            cancelled(&mut next, caller.user_id(), None, now)?;
        } else if status != stored.status() {
            restate(&mut next, status);
        }
        if next == stored {
            return Ok(stored);
        }
        next.version += 1;
        next.updated_at = now;
        let event = event_of(&stored, &next, now).by_link(caller.link());
        self.store.update(tx, &next, &event, trace_id).await?;
        Ok(next)
    }

    /// A hot slot's losers are told without a lock: those who wait for one hold a connection each.
    async fn look_first(
        &self,
        seen: &Booking,
        edit: &EditBooking,
        plan: &Plan,
    ) -> Result<(), Error> {
        let status = edit.status.unwrap_or(seen.status());
        if !status.is_active() || (plan.moved.is_none() && seen.status().takes_interval()) {
            return Ok(());
        }
        self.in_the_way_of(seen, edit, plan).await?.map_or(Ok(()), Err)
    }

    /// What is in the way of what an edit would claim.
    async fn in_the_way_of(
        &self,
        seen: &Booking,
        edit: &EditBooking,
        plan: &Plan,
    ) -> Result<Option<Error>, Error> {
        self.look(&Wanted::of(&edited(seen, edit, plan))?).await
    }
}

/// Whether only an admin may change the status so: to confirm, and in whatever concerns a person who did
/// not come. What nobody came to counts for no limit, so nobody says it of himself, nor takes it back.
pub(super) fn is_for_admins(from: BookingStatus, to: BookingStatus) -> bool {
    from != to
        && (matches!(to, BookingStatus::Confirmado | BookingStatus::NaoCompareceu)
            || from == BookingStatus::NaoCompareceu)
}

/// Whether what would be confirmed waits for an approval: what was approved was another claim.
pub(super) fn waits(caller: &Caller, moved: &Candidate, status: BookingStatus) -> bool {
    let approval = moved.offer.asked.approval_required == Some(true);
    approval && status == BookingStatus::Confirmado && !caller.is_admin()
}

/// The fields after an edit, before its status is looked at.
pub(super) fn edited(stored: &Booking, edit: &EditBooking, plan: &Plan) -> Booking {
    let mut next = stored.clone();
    if let Some(quantity) = edit.quantity {
        next.quantity = i32::try_from(quantity).unwrap_or(i32::MAX);
    }
    if let Some(candidate) = &plan.moved {
        next.claim_as(candidate);
        if next.start_time != stored.start_time {
            // Who came then is still to come.
            next.checked_in_at = None;
            next.checked_in_by = None;
        }
    }
    next.client_id = edit.client_id.apply(stored.client_id.as_ref());
    next.notes = edit.notes.apply(stored.notes.as_ref());
    next.recurring_enabled = edit.recurring_enabled.unwrap_or(stored.recurring_enabled);
    let pattern =
        stored.recurring_pattern.as_ref().and_then(|text| serde_json::from_str(text).ok());
    let pattern: Option<serde_json::Value> = edit.recurring_pattern.apply(pattern.as_ref());
    next.recurring_pattern = pattern.map(|pattern| pattern.to_string());
    next
}

/// What an edit would do to the claim.
pub(super) struct Plan {
    pub(super) resource_id: Uuid,
    pub(super) moved: Option<Candidate>,
}

impl Booking {
    pub(super) fn span(&self) -> Result<Span, Error> {
        Span::new(self.start_time, self.end_time).ok_or(Error::Contended)
    }
}

/// Enters a state other than cancelled.
pub(super) fn restate(booking: &mut Booking, status: BookingStatus) {
    status.as_str().clone_into(&mut booking.status);
    // Whatever it was before, it is no hold.
    booking.expires_at = None;
    booking.cancellation_reason = None;
    booking.cancelled_at = None;
    booking.cancelled_by = None;
}

/// The one event of a change.
pub(super) fn event_of(
    old: &Booking,
    new: &Booking,
    now: chrono::DateTime<chrono::Utc>,
) -> BookingEvent {
    if new.status() == BookingStatus::Cancelado && old.status() != BookingStatus::Cancelado {
        return super::cancel::event(new);
    }
    let changes = changes(old, new, now);
    let only_status = changes.keys().all(|name| {
        matches!(
            name.as_str(),
            "status" | "cancellation_reason" | "cancelled_at" | "cancelled_by" | "expires_at"
        )
    });
    if only_status && old.status() != new.status() {
        return BookingEvent::StatusChanged(BookingStatusChanged {
            booking_id: new.id,
            user_id: new.user_id,
            resource_id: new.resource_id,
            tenant_id: new.tenant_id,
            old_status: old.status(),
            new_status: new.status(),
            start_time: new.start_time,
            end_time: new.end_time,
        });
    }
    BookingEvent::Updated(BookingUpdated {
        booking_id: new.id,
        user_id: new.user_id,
        resource_id: new.resource_id,
        tenant_id: new.tenant_id,
        changes,
        link_id: None,
    })
}
