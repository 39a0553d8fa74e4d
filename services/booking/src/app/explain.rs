//! Why a booking was refused, and what could be had near it instead.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, TimeDelta, Utc};
use contracts::booking::{EditBooking, PlaceBooking};
use contracts::problem::{Alternative, RefusalExplained};
use contracts::resource::ExplanationView;
use scheduling::{Explanation, Layer, Load, Refusal, Request, TimeInput};
use uuid::Uuid;

use super::{Bookings, Offer};
use crate::error::Error;
use crate::joint::{Joint, RefusedOne, Spot};
use crate::store::{Booking, ClaimsOf};

/// How many days before and after the wish are looked through.
pub(super) const REACH: u32 = 7;
/// The most alternatives that are told.
pub(super) const ALTERNATIVES: usize = 3;
/// Of how many of several refusals they are looked for.
const EXPLAINED: usize = 20;
/// The most claims that are looked through; among more no alternatives are looked for.
const MOST_CLAIMS: u64 = 2_000;

/// What was wanted.
struct Wish {
    tenant: Uuid,
    resource: Uuid,
    start: TimeInput,
    end: TimeInput,
    quantity: u32,
    /// The booking that was to be changed.
    except: Option<Uuid>,
}

impl Wish {
    fn of(except: Option<Uuid>, asked: &Spot) -> Self {
        let Spot { tenant, resource, span, quantity } = *asked;
        let (start, end) = (TimeInput::Instant(span.start()), TimeInput::Instant(span.end()));
        Self { tenant, resource, start, end, quantity, except }
    }
}

impl Bookings {
    /// The refusal of a new booking or hold, with the layer and the rule that refuse it, until when, and
    /// the times nearest to it that can be had. Other errors stay as they are.
    pub(super) async fn explained(&self, request: &PlaceBooking, error: Error) -> Error {
        let wish = Wish {
            tenant: request.tenant_id,
            resource: request.resource_id,
            start: request.start_time,
            end: request.end_time,
            quantity: request.quantity,
            except: None,
        };
        self.explain(&wish, error).await
    }

    /// The same of a change.
    pub(super) async fn explained_edit(
        &self,
        seen: &Booking,
        edit: &EditBooking,
        error: Error,
    ) -> Error {
        let wish = Wish {
            tenant: seen.tenant_id,
            resource: edit.resource_id.unwrap_or(seen.resource_id),
            start: edit.start_time.unwrap_or(TimeInput::Instant(seen.start_time)),
            end: edit.end_time.unwrap_or(TimeInput::Instant(seen.end_time)),
            quantity: edit.quantity.unwrap_or_else(|| u32::try_from(seen.quantity).unwrap_or(1)),
            except: Some(seen.id),
        };
        self.explain(&wish, error).await
    }

    /// The refusal of several bookings, each of the first of them explained.
    pub(super) async fn explained_all(&self, error: Error) -> Error {
        if let Error::Joint(Joint::Refused(refused)) = error {
            return Joint::Refused(self.explained_each(refused).await).into();
        }
        if let Error::Joint(Joint::Unmet { items, refused, near }) = error {
            let refused = self.explained_each(refused).await;
            return Joint::Unmet { items, refused, near }.into();
        }
        error
    }

    /// The same of a list; each time near one of them is free as things are, not with the others made.
    pub(super) async fn explained_each(&self, refused: Vec<RefusedOne>) -> Vec<RefusedOne> {
        let mut told = Vec::with_capacity(refused.len());
        for mut one in refused {
            if let Some(asked) = one.asked.filter(|_| told.len() < EXPLAINED) {
                one.why = self.explain(&Wish::of(one.booking, &asked), one.why).await;
            }
            told.push(one);
        }
        told
    }

    async fn explain(&self, wish: &Wish, error: Error) -> Error {
        let Some(cause) = Cause::of(&error) else { return error };
        // What cannot be found out now is not told; the refusal stands without it.
        match self.found_out(wish, &cause).await {
            Ok(Some(explained)) => Error::Explained(Box::new(error), Box::new(explained)),
            Ok(None) | Err(_) => error,
        }
    }

    async fn found_out(
        &self,
        wish: &Wish,
        cause: &Cause,
    ) -> Result<Option<RefusalExplained>, Error> {
        let rules = self.rules(wish.tenant).await?;
        let resource = self.resource(wish.tenant, wish.resource).await?;
        let offer = Offer::new(&rules, &resource);
        let zone = &rules.rules.zone;
        let (Ok(start), Ok(end)) = (wish.start.resolve(zone), wish.end.resolve(zone)) else {
            return Ok(None);
        };
        let loads = self.loads_around(wish.tenant, vec![wish.resource], start, wish.except).await?;
        let whole = loads.is_some();
        let load = loads.and_then(|mut loads| loads.remove(&wish.resource)).unwrap_or_default();
        let calendar = offer.calendar();
        let request = Request { start, end, quantity: wish.quantity };
        let plain = |layer, rule, until| Explanation { layer, rule, reason: None, until };
        let explanation = match cause {
            Cause::Rule(refusal) => calendar.explain(&load, request, refusal),
            Cause::Held { until } => plain(Layer::Busy, "held", Some(*until)),
            Cause::Limit => plain(Layer::Policy, "limit_exceeded", None),
        };
        // Another time near it does not help who has as many bookings as he may.
        let near = if whole && !matches!(cause, Cause::Limit) {
            calendar.nearest(&load, request, self.clock.now(), REACH, ALTERNATIVES)
        } else {
            Vec::new()
        };
        Ok(Some(RefusalExplained {
            explanation: ExplanationView::new(explanation, zone),
            alternatives: near.into_iter().map(|span| Alternative::new(span, zone)).collect(),
        }))
    }

    /// What is taken of each resource in the days around an instant; `None` if that is too much to tell,
    /// or over.
    pub(super) async fn loads_around(
        &self,
        tenant: Uuid,
        resources: Vec<Uuid>,
        start: DateTime<Utc>,
        except: Option<Uuid>,
    ) -> Result<Option<BTreeMap<Uuid, Load>>, Error> {
        // One day more on both sides: dates are of the tenant's zone, and claims have their buffers.
        let reach = Days::new(u64::from(REACH) + 2);
        let now = self.clock.now();
        let around = start.checked_sub_days(reach).zip(start.checked_add_days(reach));
        let Some((from, to)) = around.filter(|(_, to)| *to > now) else { return Ok(None) };
        // What is over may still lie in the room before a time to come, which is a day at most.
        let from = from.max(now - TimeDelta::days(1));
        let wanted = ClaimsOf { tenant, resources, from, to: Some(to), after: None };
        let found = self.store.claims_of(&wanted, now, MOST_CLAIMS + 1).await?;
        if found.len() as u64 > MOST_CLAIMS {
            return Ok(None);
        }
        let mut claims: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
        for claimed in found.iter().filter(|claimed| Some(claimed.id) != except) {
            claims.entry(claimed.resource).or_default().extend(claimed.claim());
        }
        let load = |(id, claims)| (id, Load::at(claims, now));
        Ok(Some(claims.into_iter().map(load).collect()))
    }
}

/// Why the engine refuses, if it is the engine that does.
enum Cause {
    Rule(Refusal),
    Held { until: DateTime<Utc> },
    Limit,
}

impl Cause {
    fn of(error: &Error) -> Option<Self> {
        if let Error::Refused(refusal) = error {
            return Some(Self::Rule(refusal.clone()));
        }
        if let Error::Full { remaining, .. } = error {
            return Some(Self::Rule(Refusal::Full { remaining: *remaining }));
        }
        if let Error::Held { retry_at, .. } = error {
            return Some(Self::Held { until: *retry_at });
        }
        let taken = matches!(error, Error::Taken(_)).then_some(Self::Rule(Refusal::Taken));
        taken.or_else(|| error.limit().map(|_| Self::Limit))
    }
}
