//! Changing several bookings of a series: all of them, or nothing.

use std::collections::BTreeSet;

use common::auth::{Caller, Scope};
use common::version::Precondition;
use contracts::BookingStatus;
use contracts::booking::EditBooking;
use contracts::event::BookingEvent;
use contracts::series::SeriesScope;
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::motion::Motion;
use super::place::came_between;
use super::{ATTEMPTS, SeriesChange};
use crate::app::cancel::cancelled;
use crate::app::edit::{Plan, edited, event_of, is_for_admins, restate};
use crate::app::judge::Proposal;
use crate::app::{Bookings, may_change};
use crate::error::Error;
use crate::joint::{Joint, RefusedOne};
use crate::store::{Booking, BookingSeries, Gone, Together};

/// A change that is about to be made.
pub(super) struct Change<'a> {
    pub(super) caller: &'a Caller,
    pub(super) edit: &'a EditBooking,
    /// The occurrence that was named.
    pub(super) seen: Booking,
    pub(super) series: BookingSeries,
    pub(super) which: Together,
    /// Whether the occurrences become a series of their own.
    pub(super) splits: bool,
    /// As they were read.
    pub(super) stored: Vec<Booking>,
    pub(super) motion: Option<Motion>,
    pub(super) proposals: Vec<Proposal>,
}

impl Bookings {
    /// Changes this and the following bookings of a series, or all of them, that are still to take
    /// place.
    pub(crate) async fn edit_series(
        &self,
        caller: &Caller,
        (id, scope): (Uuid, SeriesScope),
        edit: &EditBooking,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<SeriesChange, Error> {
        match self.try_edit_series(caller, (id, scope), edit, wanted, trace_id).await {
            Err(error) => Err(self.explained_all(error).await),
            changed => changed,
        }
    }

    async fn try_edit_series(
        &self,
        caller: &Caller,
        (id, scope): (Uuid, SeriesScope),
        edit: &EditBooking,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<SeriesChange, Error> {
        for _ in 0..ATTEMPTS {
            let change = self.series_change(caller, (id, scope), edit, wanted).await?;
            match self.apply_to_series(&change, trace_id).await {
                Ok(Some(done)) => {
                    self.relay.wake();
                    for resource in change.resources() {
                        self.freed.mark(change.seen.tenant_id, resource);
                    }
                    return Ok(done);
                }
                Ok(None) => {}
                Err(error) if came_between(&error) => {}
                Err(error) => return Err(error.of_write(id)),
            }
        }
        Err(Error::Contended)
    }

    /// What is to be done, judged by the rules before any lock is taken.
    async fn series_change<'a>(
        &self,
        caller: &'a Caller,
        (id, scope): (Uuid, SeriesScope),
        edit: &'a EditBooking,
        wanted: &Precondition,
    ) -> Result<Change<'a>, Error> {
        let seen = self.visible(caller, id).await?;
        may_change(caller, seen.user_id)?;
        wanted.check(seen.tag())?;
        let (series, which, splits) = self.reach(&seen, scope).await?;
        if !seen.status().is_active() || seen.start_time <= self.clock.now() {
            return Err(Joint::Over.into());
        }
        let stored = self.store.together(seen.tenant_id, which).await?;
        let for_admins = |next| stored.iter().any(|it| is_for_admins(it.status(), next));
        if edit.status.is_some_and(for_admins) {
            caller.admin().map_err(|_| Error::NotAllowed)?;
        }
        let motion = self.motion(&seen, &series, edit).await?;
        let proposals = match &motion {
            Some(motion) => self.moved(caller, &stored, edit, motion).await?,
            None => Vec::new(),
        };
        // A hot slot's losers are told without a lock: those who wait for one hold a connection each.
        let tenant = seen.tenant_id;
        let conn = self.store.database().read(Scope::Tenant(tenant));
        let refused = self.judge(&conn, tenant, &proposals).await?.refused;
        if !refused.is_empty() {
            return Err(Joint::Refused(refused).into());
        }
        Ok(Change { caller, edit, seen, series, which, splits, stored, motion, proposals })
    }

    /// The series of a booking, and which of its bookings a scope is about.
    pub(super) async fn reach(
        &self,
        seen: &Booking,
        scope: SeriesScope,
    ) -> Result<(BookingSeries, Together, bool), Error> {
        let id = seen.series_id.ok_or(Joint::NotInSeries)?;
        let own = Scope::Tenant(seen.tenant_id);
        let conn = self.store.database().read(own);
        let series = self.store.series(&conn, own, id).await?.ok_or(Joint::NotInSeries)?;
        let index = seen.series_index.unwrap_or(0);
        let from = match scope {
            SeriesScope::All => 0,
            SeriesScope::This | SeriesScope::Following => index,
        };
        let which = Together::Series { id, from, after: self.clock.now() };
        Ok((series, which, scope == SeriesScope::Following && index > 0))
    }

    /// `None`: a booking changed since it was read; begin again.
    async fn apply_to_series(
        &self,
        change: &Change<'_>,
        trace_id: &str,
    ) -> Result<Option<SeriesChange>, Error> {
        let tenant = change.seen.tenant_id;
        let _turns = self.gate.turns(&change.resources()).await?;
        let done = self.store.database().transact(Scope::Tenant(tenant), |tx| async move {
            let tx = &*tx;
            let resources = change.resources();
            let mut locks = resources.clone();
            if change.is_limited() {
                locks.push(change.seen.user_id);
            }
            self.store.lock_resources(tx, tenant, &mut locks).await?;
            let held = self.store.lock_together(tx, tenant, change.which).await?;
            if held != change.stored {
                return Ok(None);
            }
            let next = self.next_of(tx, change, &resources, trace_id).await?;
            self.write_series(tx, change, next, trace_id).await.map(Some)
        });
        done.await
    }

    /// The bookings as they are to be, their claims judged.
    async fn next_of(
        &self,
        tx: &DatabaseTransaction,
        change: &Change<'_>,
        resources: &[Uuid],
        trace_id: &str,
    ) -> Result<Vec<Booking>, Error> {
        let (tenant, edit) = (change.seen.tenant_id, change.edit);
        if change.motion.is_none() {
            let kept = |booking: &Booking| {
                let plan = Plan { resource_id: booking.resource_id, moved: None };
                edited(booking, edit, &plan)
            };
            return Ok(change.stored.iter().map(kept).collect());
        }
        for resource in resources {
            if let Some(gone) = Gone::any(tx, &[tenant, *resource, change.seen.user_id]).await? {
                return Err(gone.into());
            }
        }
        self.bury(tx, resources, trace_id).await?;
        let judged = self.judge(tx, tenant, &change.proposals).await?;
        if judged.refused.is_empty() {
            Ok(judged.accepted)
        } else {
            Err(Joint::Refused(judged.refused).into())
        }
    }

    /// Stores what has changed.
    async fn write_series(
        &self,
        tx: &DatabaseTransaction,
        change: &Change<'_>,
        mut next: Vec<Booking>,
        trace_id: &str,
    ) -> Result<SeriesChange, Error> {
        let now = self.clock.now();
        self.enter_status(change, &mut next)?;
        let mut id = change.series.id;
        if next == change.stored {
            return Ok(SeriesChange { id, bookings: next, refused: Vec::new() });
        }
        if change.splits {
            id = self.split(tx, change).await?;
            for booking in &mut next {
                booking.series_id = Some(id);
            }
        } else if let Some(motion) = &change.motion {
            let mut series = change.series.clone();
            moved_series(&mut series, motion);
            series.version += 1;
            series.updated_at = now;
            self.store.update_series(tx, &series).await?;
        }
        let mut changed: Vec<(Booking, BookingEvent)> = Vec::new();
        for (old, new) in change.stored.iter().zip(&mut next) {
            if new == old {
                continue;
            }
            new.version += 1;
            new.updated_at = now;
            changed.push((new.clone(), event_of(old, new, now)));
        }
        self.store.update_all(tx, &changed, change.motion.is_some(), trace_id).await?;
        Ok(SeriesChange { id, bookings: next, refused: Vec::new() })
    }

    /// Lets every booking enter the state that was asked for.
    fn enter_status(&self, change: &Change<'_>, next: &mut [Booking]) -> Result<(), Error> {
        let Some(status) = change.edit.status else { return Ok(()) };
        let now = self.clock.now();
        // Nobody else confirms: those that were confirmed already stay so, or wait anew.
        let waiting = status == BookingStatus::Confirmado && !change.caller.is_admin();
        let mut refused = Vec::new();
        for booking in next {
            if status == BookingStatus::Cancelado {
                if let Err(why) = cancelled(booking, change.caller.user_id(), None, now) {
                    let (start, id) = (booking.start_time, Some(booking.id));
                    let (resource, asked) = (None, None);
                    refused.push(RefusedOne { start, booking: id, resource, asked, why });
                }
            } else if booking.status() != status && !waiting {
                restate(booking, status);
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(Joint::Refused(refused).into()) }
    }

    /// A series of its own for the occurrences from the named one on.
    async fn split(&self, tx: &DatabaseTransaction, change: &Change<'_>) -> Result<Uuid, Error> {
        let now = self.clock.now();
        let mut old = change.series.clone();
        let mut new = BookingSeries { id: self.ids.next(), ..old.clone() };
        new.wall_start.clone_from(&change.seen.wall_start);
        new.zone.clone_from(&change.seen.zone);
        new.resource_id = change.seen.resource_id;
        let length = change.seen.end_time - change.seen.start_time;
        new.duration_seconds = length.num_seconds().max(1);
        new.split_from = Some(old.id);
        (new.version, new.created_at, new.updated_at) = (1, now, now);
        if let Some(motion) = &change.motion {
            moved_series(&mut new, motion);
        }
        old.ends_before = change.seen.original_start_time;
        old.version += 1;
        old.updated_at = now;
        self.store.update_series(tx, &old).await?;
        self.store.add_series(tx, &new).await?;
        Ok(new.id)
    }
}

impl Change<'_> {
    /// Every resource that is given up or claimed.
    pub(super) fn resources(&self) -> Vec<Uuid> {
        let old = self.stored.iter().map(|booking| booking.resource_id);
        let new = self.motion.as_ref().and_then(Motion::resource);
        let all: BTreeSet<Uuid> = old.chain(new).collect();
        all.into_iter().collect()
    }

    fn is_limited(&self) -> bool {
        let wishes = self.proposals.iter().filter_map(|proposal| proposal.wish.as_ref().ok());
        wishes.into_iter().any(|(_, candidate)| !candidate.offer.asked.limits.is_empty())
    }
}

/// The series after its occurrences have moved.
fn moved_series(series: &mut BookingSeries, motion: &Motion) {
    let (by, duration) = motion.by();
    if let Some(wall) =
        super::read::wall(&series.wall_start).and_then(|it| it.checked_add_signed(by))
    {
        series.wall_start = wall.to_string();
    }
    if let Some(duration) = duration {
        series.duration_seconds = duration.num_seconds().max(1);
    }
    if let Some(resource) = motion.resource() {
        series.resource_id = resource;
    }
}
