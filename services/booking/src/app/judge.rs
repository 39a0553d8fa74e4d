//! Deciding about many bookings at once: everything that lies around them is read once, and each is
//! judged in memory by the rules of a single one, with those before it taken as made.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use scheduling::{Refusal, Span, check_grid, check_window};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::claim::Wanted;
use super::tally::Tally;
use super::{Bookings, Candidate, Offer};
use crate::error::Error;
use crate::joint::{Joint, RefusedOne, Spot};
use crate::store::Booking;

/// No claim is longer.
const LONGEST_CLAIM: TimeDelta = TimeDelta::hours(96);

/// One of several bookings that are wanted: as it would be stored, or why the rules refuse it.
pub(super) struct Proposal {
    pub(super) start: DateTime<Utc>,
    /// The booking, if it is made already.
    pub(super) known: Option<Uuid>,
    /// What it is of, where a refusal has to tell.
    pub(super) resource: Option<Uuid>,
    /// What is wanted, if the clock has it.
    pub(super) asked: Option<Spot>,
    pub(super) wish: Result<(Booking, Candidate), Refusal>,
}

/// The bookings that can be made, as they can, and the others.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) accepted: Vec<Booking>,
    pub(super) refused: Vec<RefusedOne>,
}

/// Claims of one resource by start: those stored, and those of the bookings accepted so far.
#[derive(Default)]
struct Around {
    stored: Vec<Booking>,
    own: Vec<Booking>,
    /// The places that a lowering under way leaves.
    places: Option<i32>,
}

impl Bookings {
    /// What the rules say of a span, before it is known whether it is free.
    pub(super) fn propose(&self, offer: &Offer, span: Span) -> Result<Candidate, Refusal> {
        let calendar = offer.calendar();
        let span = check_window(&calendar, span.start(), span.end(), self.clock.now())?;
        let off_grid = check_grid(&calendar, &span).err();
        Ok(Candidate { span, off_grid, offer: offer.clone() })
    }

    /// Judges bookings of one person, in the order of their starts. Those that are made already give up
    /// their own claims.
    pub(super) async fn judge(
        &self,
        conn: &impl ConnectionTrait,
        tenant: Uuid,
        proposals: &[Proposal],
    ) -> Result<Judged, Error> {
        let now = self.clock.now();
        let wanted: Vec<&(Booking, Candidate)> =
            proposals.iter().filter_map(|proposal| proposal.wish.as_ref().ok()).collect();
        let moving: BTreeSet<Uuid> = proposals.iter().filter_map(|it| it.known).collect();
        let mut around = self.around(conn, tenant, &wanted, &moving).await?;
        let limited = wanted.iter().any(|(_, it)| !it.offer.asked.limits.is_empty());
        let persons: Vec<&Booking> = wanted.iter().map(|(booking, _)| booking).collect();
        let mut tally = if limited { Some(Tally::of(self, conn, &persons).await?) } else { None };
        let mut judged = Judged::default();
        for proposal in proposals {
            let (start, known, resource) = (proposal.start, proposal.known, proposal.resource);
            let asked = proposal.asked;
            let refuse = |why: Error| RefusedOne { start, booking: known, resource, asked, why };
            let (booking, candidate) = match proposal.wish.as_ref() {
                Ok(wish) => wish,
                Err(refusal) => {
                    judged.refused.push(refuse(Error::Refused(refusal.clone())));
                    continue;
                }
            };
            let around = around.entry(booking.resource_id).or_default();
            let mut booking = booking.clone();
            booking.places = around.places.map_or(booking.places, |most| booking.places.min(most));
            if let Some(why) = verdict(&booking, candidate, around, tally.as_ref(), now)? {
                judged.refused.push(refuse(why));
                continue;
            }
            if let Some(tally) = &mut tally {
                tally.add(&booking);
            }
            let after = booking.claim_start;
            let at = around.own.partition_point(|own| own.claim_start <= after);
            around.own.insert(at, booking.clone());
            judged.accepted.push(booking);
        }
        Ok(judged)
    }

    /// What lies around the bookings wanted, by resource.
    async fn around(
        &self,
        conn: &impl ConnectionTrait,
        tenant: Uuid,
        wanted: &[&(Booking, Candidate)],
        moving: &BTreeSet<Uuid>,
    ) -> Result<BTreeMap<Uuid, Around>, Error> {
        let now = self.clock.now();
        let mut by_resource: BTreeMap<Uuid, Vec<&(Booking, Candidate)>> = BTreeMap::new();
        for one in wanted {
            by_resource.entry(one.0.resource_id).or_default().push(one);
        }
        let mut all = BTreeMap::new();
        for (resource, group) in by_resource {
            let mut claims = Vec::with_capacity(group.len());
            for (booking, _) in &group {
                claims.push(Wanted::of(booking)?.claim);
            }
            claims.sort_unstable_by_key(Span::start);
            let shared = group.iter().any(|(booking, _)| !booking.exclusive);
            let mut stored =
                self.store.claims_among(conn, (tenant, resource), (&claims, shared), now).await?;
            stored.retain(|found| !moving.contains(&found.id));
            let mut places = None;
            if let Some((booking, candidate)) = group.iter().find(|(it, _)| !it.exclusive) {
                let mut probe = booking.clone();
                probe.updated_at = now;
                self.store.obey_lowering(conn, &mut probe, &candidate.offer.resource).await?;
                places = Some(probe.places);
            }
            all.insert(resource, Around { stored, own: Vec::new(), places });
        }
        Ok(all)
    }
}

/// Why a booking cannot be made, in the contract's order: what is in the way, the grid, limits.
fn verdict(
    booking: &Booking,
    candidate: &Candidate,
    around: &Around,
    tally: Option<&Tally>,
    now: DateTime<Utc>,
) -> Result<Option<Error>, Error> {
    let wanted = Wanted::of(booking)?;
    let mut near = overlapping(&around.stored, &wanted.claim);
    if let Some(refusal) = wanted.refusal(&near, now) {
        return Ok(Some(refusal));
    }
    near.extend(overlapping(&around.own, &wanted.claim));
    if wanted.refusal(&near, now).is_some() {
        return Ok(Some(Joint::Overlap.into()));
    }
    if let Some(refusal) = &candidate.off_grid {
        return Ok(Some(Error::Refused(refusal.clone())));
    }
    Ok(tally.and_then(|it| it.exceeded(booking, &candidate.offer)).map(Error::LimitExceeded))
}

/// Those of `sorted`, which are by the start of their claims, that overlap a claim.
fn overlapping(sorted: &[Booking], claim: &Span) -> Vec<Booking> {
    let longest = claim.start() - LONGEST_CLAIM;
    let from = sorted.partition_point(|booking| booking.claim_start < longest);
    let to = sorted.partition_point(|booking| booking.claim_start < claim.end());
    let some = sorted.get(from..to).unwrap_or_default();
    some.iter().filter(|booking| booking.claim_end > claim.start()).cloned().collect()
}
