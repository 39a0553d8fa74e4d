//! Taking a place on a resource inside a transaction: locks, dead holds, what is in the way.

use chrono::{DateTime, Utc};
use common::auth::Scope;
use contracts::problem::Conflict;
use scheduling::{Capacity, Claim, Load, Span};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use uuid::Uuid;

use super::cancel::{enter, event};
use super::{Bookings, Candidate};
use crate::error::Error;
use crate::store::{Booking, Claims, Reach};

/// The most conflicts a refusal lists.
const MAX_CONFLICTS: usize = 50;
/// More places than a resource can have.
pub(crate) const EVERY_PLACE: u32 = 1_000_000;
/// Why a hold was cancelled that nobody confirmed in time.
pub(crate) const HOLD_EXPIRED: &str = "Retenção expirada";

/// A claim that somebody wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) tenant: Uuid,
    pub(crate) resource: Uuid,
    pub(crate) claim: Span,
    pub(crate) capacity: Capacity,
    pub(crate) quantity: u32,
    /// The booking that keeps or moves its own claim.
    pub(crate) except: Option<Uuid>,
}

impl Wanted {
    pub(crate) fn new(tenant: Uuid, candidate: &Candidate, quantity: u32) -> Self {
        let policy = &candidate.offer.asked.policy;
        Self {
            tenant,
            resource: candidate.offer.resource.id,
            claim: policy.claim(candidate.span),
            capacity: policy.capacity,
            quantity,
            except: None,
        }
    }

    /// What a stored booking takes, or would take again.
    pub(crate) fn of(booking: &Booking) -> Result<Self, Error> {
        Ok(Self {
            tenant: booking.tenant_id,
            resource: booking.resource_id,
            claim: Span::new(booking.claim_start, booking.claim_end).ok_or(Error::Contended)?,
            capacity: booking.capacity(),
            quantity: u32::try_from(booking.quantity).unwrap_or(1),
            except: Some(booking.id),
        })
    }

    fn reach(&self) -> Reach {
        Reach {
            tenant: self.tenant,
            resource: self.resource,
            from: self.claim.start(),
            to: self.claim.end(),
            except: self.except,
        }
    }

    fn places(&self) -> u64 {
        u64::from(self.capacity.places())
    }

    fn needed(&self) -> u64 {
        u64::from(self.capacity.taken_by(self.quantity))
    }

    /// Why the claims found leave no room for it, if they do not.
    pub(super) fn refusal(&self, found: &[Booking], now: DateTime<Utc>) -> Option<Error> {
        let (places, needed) = (self.places(), self.needed());
        let peak = |claims: &mut dyn Iterator<Item = &Booking>| {
            Load::at(claims.filter_map(|booking| self.taken_by(booking)), now).peak(&self.claim)
        };
        let used = peak(&mut found.iter());
        if used + needed <= places {
            return None;
        }
        let conflicts = found.iter().take(MAX_CONFLICTS).map(conflict).collect();
        let booked = peak(&mut found.iter().filter(|booking| booking.hold_ends().is_none()));
        let retry_at = found.iter().filter_map(Booking::hold_ends).min();
        if let Some(retry_at) = retry_at.filter(|_| booked + needed <= places) {
            return Some(Error::Held { conflicts, retry_at, now });
        }
        if self.capacity.is_shared() {
            let remaining = u32::try_from(places.saturating_sub(used)).unwrap_or(u32::MAX);
            return Some(Error::Full { conflicts, remaining });
        }
        Some(Error::Taken(conflicts))
    }

    /// What a booking takes of this capacity: all of it, if it excludes others.
    fn taken_by(&self, booking: &Booking) -> Option<Claim> {
        let span = Span::new(booking.claim_start, booking.claim_end)?;
        let quantity = if self.capacity.is_shared() { booking.places_taken() } else { 1 };
        Some(Claim { span, quantity, expires_at: booking.hold_ends() })
    }
}

pub(super) fn conflict(booking: &Booking) -> Conflict {
    Conflict { booking_id: booking.id, start_time: booking.start_time, end_time: booking.end_time }
}

impl Bookings {
    /// What is in the way of a claim, if anything is.
    pub(super) async fn obstacle(
        &self,
        conn: &impl ConnectionTrait,
        wanted: &Wanted,
    ) -> Result<Option<Error>, Error> {
        let reach = wanted.reach();
        let mut counted = None;
        if wanted.capacity.is_shared() {
            // Most often there is room, and who takes it need not be read.
            counted = self.store.counted_places(conn, &reach).await?;
            if counted.is_some_and(|used| used + wanted.needed() <= wanted.places()) {
                return Ok(None);
            }
        }
        let Claims { found, now, whole } = self.store.claims(conn, &reach).await?;
        let refusal = wanted.refusal(&found, now);
        // Of more than are read at once the sums are believed.
        let full = counted.filter(|_| refusal.is_none() && !whole).map(|used| {
            let conflicts = found.iter().take(MAX_CONFLICTS).map(conflict).collect();
            let remaining = u32::try_from(wanted.places().saturating_sub(used)).unwrap_or(0);
            Error::Full { conflicts, remaining }
        });
        Ok(refusal.or(full))
    }

    /// The same, outside of a transaction.
    pub(super) async fn look(&self, wanted: &Wanted) -> Result<Option<Error>, Error> {
        self.obstacle(&self.store.database().read(Scope::Tenant(wanted.tenant)), wanted).await
    }

    /// Cancels the dead holds of these resources, so that the database no longer counts them. Every
    /// transaction that claims does so first; nobody's correctness waits for a sweeper.
    pub(super) async fn bury(
        &self,
        tx: &DatabaseTransaction,
        resources: &[Uuid],
        trace_id: &str,
    ) -> Result<usize, Error> {
        let dead = self.store.dead_holds(tx, resources).await?;
        let now = self.clock.now();
        for mut hold in dead.iter().cloned() {
            enter(&mut hold, None, Some(HOLD_EXPIRED.to_owned()), now);
            hold.version += 1;
            hold.updated_at = now;
            self.store.update(tx, &hold, &event(&hold), trace_id).await?;
        }
        Ok(dead.len())
    }
}

impl Booking {
    /// The capacity its claim was made for.
    pub(crate) fn capacity(&self) -> Capacity {
        if self.exclusive {
            Capacity::Exclusive
        } else {
            Capacity::Shared(u32::try_from(self.places).unwrap_or(1))
        }
    }

    /// Places it takes. One that excludes others takes more than any resource has.
    pub(crate) fn places_taken(&self) -> u32 {
        if self.exclusive { EVERY_PLACE } else { u32::try_from(self.quantity).unwrap_or(1) }
    }

    /// Takes over what a candidate claims.
    pub(crate) fn claim_as(&mut self, candidate: &Candidate) {
        let offer = &candidate.offer;
        let policy = &offer.asked.policy;
        let claim = policy.claim(candidate.span);
        let zone = &offer.rules.rules.zone;
        self.resource_id = offer.resource.id;
        self.category_id = Some(offer.resource.category_id);
        self.start_time = candidate.span.start();
        self.end_time = candidate.span.end();
        self.claim_start = claim.start();
        self.claim_end = claim.end();
        self.exclusive = !policy.capacity.is_shared();
        self.places = i32::try_from(policy.capacity.places()).unwrap_or(i32::MAX);
        self.no_show_minutes = offer.asked.no_show_minutes.and_then(|it| i32::try_from(it).ok());
        zone.name().clone_into(&mut self.zone);
        self.wall_start = zone.local(self.start_time).naive_local().to_string();
        self.tzdb = scheduling::tzdb_version();
    }
}
