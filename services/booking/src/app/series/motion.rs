//! What the edit of one occurrence means for the others: the same distance on the wall clock, the same
//! new length, the same other resource.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use common::auth::Caller;
use common::providers::{Bookable, TenantRules};
use contracts::BookingStatus;
use contracts::booking::EditBooking;
use contracts::resource::ResourceStatus;
use scheduling::{Move, Refusal, Span, TimeInput, Zone};
use uuid::Uuid;

use crate::app::edit::{Plan, edited, restate, waits};
use crate::app::judge::Proposal;
use crate::app::{Bookings, Candidate, Offer};
use crate::error::Error;
use crate::joint::Spot;
use crate::store::{Booking, BookingSeries};

/// How bookings write the clock time of their start.
const WALL: &str = "%Y-%m-%d %H:%M:%S%.f";

/// The change of every occurrence.
pub(super) struct Motion {
    rules: Arc<TenantRules>,
    /// The zone the series keeps to.
    zone: Zone,
    from: NaiveDateTime,
    to: NaiveDateTime,
    /// A new length; `None`: each keeps its own.
    duration: Option<TimeDelta>,
    /// The occurrence that was named, and exactly when it is to start.
    named: (Uuid, DateTime<Utc>),
    /// Whether the time changes at all.
    timed: bool,
    resource: Option<Uuid>,
}

impl Motion {
    /// How far on the wall clock, and the new length.
    pub(super) fn by(&self) -> (TimeDelta, Option<TimeDelta>) {
        (self.to - self.from, self.duration)
    }

    pub(super) fn resource(&self) -> Option<Uuid> {
        self.resource
    }

    /// Where an occurrence comes to lie: what its clock shows by the rule, and its span.
    fn target(&self, booking: &Booking) -> Option<(NaiveDateTime, Span)> {
        let wall = wall_of(booking, &self.zone);
        if !self.timed {
            return Some((wall, Span::new(booking.start_time, booking.end_time)?));
        }
        let duration = self.duration.unwrap_or(booking.end_time - booking.start_time);
        let motion = Move::new(self.zone.clone(), self.from, self.to, duration)?;
        let moved = motion.apply(0, wall)?;
        let (named, start) = self.named;
        let span =
            if named == booking.id { Span::new(start, start + duration)? } else { moved.span };
        Some((moved.wall, span))
    }

    /// Where the rule places it now.
    fn original(&self, booking: &Booking) -> Option<DateTime<Utc>> {
        let original = booking.original_start_time?;
        if original == booking.start_time {
            return self.target(booking).map(|(_, span)| span.start());
        }
        if !self.timed || self.to == self.from {
            return Some(original);
        }
        let motion = Move::new(self.zone.clone(), self.from, self.to, TimeDelta::seconds(1))?;
        let wall = self.zone.local(original).naive_local();
        motion.apply(0, wall).map(|moved| moved.span.start())
    }
}

/// What the clock of a zone shows at the start of a booking, by its rule where that is another.
fn wall_of(booking: &Booking, zone: &Zone) -> NaiveDateTime {
    let kept = NaiveDateTime::parse_from_str(&booking.wall_start, WALL).ok();
    let kept = kept.filter(|_| booking.zone == zone.name());
    kept.unwrap_or_else(|| zone.local(booking.start_time).naive_local())
}

impl Bookings {
    /// What an edit of an occurrence changes of the claims of its series; `None`: nothing.
    pub(super) async fn motion(
        &self,
        seen: &Booking,
        series: &BookingSeries,
        edit: &EditBooking,
    ) -> Result<Option<Motion>, Error> {
        let resource = edit.resource_id.filter(|id| *id != seen.resource_id);
        let asked = edit.start_time.is_some() || edit.end_time.is_some();
        let resized = edit.quantity.is_some_and(|it| i64::from(it) != i64::from(seen.quantity));
        if !asked && resource.is_none() && (!resized || seen.exclusive) {
            return Ok(None);
        }
        let rules = self.rules(seen.tenant_id).await?;
        let resolve = |time: &Option<TimeInput>, old| match time {
            Some(time) => time.resolve(&rules.rules.zone).map_err(|_| Error::NonexistentLocalTime),
            None => Ok(old),
        };
        let start = resolve(&edit.start_time, seen.start_time)?;
        let end = resolve(&edit.end_time, seen.end_time)?;
        let timed = (start, end) != (seen.start_time, seen.end_time);
        if !timed && resource.is_none() && !resized {
            return Ok(None);
        }
        if edit.status.is_some_and(|status| !status.is_active()) {
            return Err(Error::CancelAndMove);
        }
        let length = end - start;
        if length <= TimeDelta::zero() {
            return Err(Error::Refused(Refusal::EndBeforeStart));
        }
        let zone = Zone::parse(&series.zone).unwrap_or_else(|_| rules.rules.zone.clone());
        let from = wall_of(seen, &zone);
        let to = if start == seen.start_time { from } else { zone.local(start).naive_local() };
        let duration = Some(length).filter(|it| *it != seen.end_time - seen.start_time);
        let named = (seen.id, start);
        Ok(Some(Motion { rules, zone, from, to, duration, named, timed, resource }))
    }

    /// Each booking as it would be after the edit.
    pub(super) async fn moved(
        &self,
        caller: &Caller,
        stored: &[Booking],
        edit: &EditBooking,
        motion: &Motion,
    ) -> Result<Vec<Proposal>, Error> {
        let mut offers: Vec<Offer> = Vec::new();
        let mut proposals = Vec::with_capacity(stored.len());
        for booking in stored {
            let resource = motion.resource.unwrap_or(booking.resource_id);
            let known = offers.iter().find(|offer| offer.resource.id == resource).cloned();
            let offer = if let Some(offer) = known {
                offer
            } else {
                let found = self.resource(booking.tenant_id, resource).await?;
                let offer = open_for(motion, &found)?;
                offers.push(offer.clone());
                offer
            };
            proposals.push(self.moved_one(caller, (booking, edit), motion, &offer));
        }
        Ok(proposals)
    }

    fn moved_one(
        &self,
        caller: &Caller,
        (booking, edit): (&Booking, &EditBooking),
        motion: &Motion,
        offer: &Offer,
    ) -> Proposal {
        let target = motion.target(booking);
        let quantity = edit.quantity.or_else(|| u32::try_from(booking.quantity).ok());
        let asked = target.as_ref().zip(quantity).map(|((_, span), quantity)| Spot {
            tenant: booking.tenant_id,
            resource: offer.resource.id,
            span: *span,
            quantity,
        });
        let wish = match target {
            None => Err(Refusal::TooFarAhead { days: motion.rules.rules.advance_days }),
            Some((wall, span)) => {
                let judged = motion.timed || motion.resource.is_some();
                // More places at the same time: only what is free is asked.
                let candidate = if judged {
                    self.propose(offer, span)
                } else {
                    Ok(Candidate { span, off_grid: None, offer: offer.clone() })
                };
                candidate.map(|candidate| (wall, candidate))
            }
        };
        let wish = wish.map(|(wall, candidate)| {
            let resource_id = offer.resource.id;
            let plan = Plan { resource_id, moved: Some(candidate.clone()) };
            let mut next = edited(booking, edit, &plan);
            next.wall_start = wall.to_string();
            motion.zone.name().clone_into(&mut next.zone);
            next.original_start_time = motion.original(booking);
            if waits(caller, &candidate, edit.status.unwrap_or(booking.status())) {
                restate(&mut next, BookingStatus::Pendente);
            }
            (next, candidate)
        });
        Proposal { start: booking.start_time, known: Some(booking.id), resource: None, asked, wish }
    }
}

/// What a resource offers for a change; nothing moves to one that cannot be booked.
fn open_for(motion: &Motion, resource: &Arc<Bookable>) -> Result<Offer, Error> {
    let judged = motion.timed || motion.resource.is_some();
    if judged && resource.status != ResourceStatus::Disponivel {
        return Err(Error::ResourceUnavailable);
    }
    Ok(Offer::new(&motion.rules, resource))
}
