//! Why a booking was refused, and what could be had near it instead.

use chrono::{DateTime, Days, Utc};
use contracts::booking::{EditBooking, PlaceBooking};
use contracts::problem::{Alternative, RefusalExplained};
use contracts::resource::ExplanationView;
use scheduling::{Explanation, Layer, Load, Refusal, Request, Span, TimeInput};
use uuid::Uuid;

use super::{Bookings, Offer};
use crate::error::Error;
use crate::store::{Booking, Claimed, ClaimsOf};

/// How many days before and after the wish are looked through.
const REACH: u32 = 7;
/// The most alternatives that are told.
const ALTERNATIVES: usize = 3;
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
        let (load, whole) = self.load_around(wish, start).await?;
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
        let alternative = |span: Span| Alternative {
            start_time: zone.local(span.start()),
            end_time: zone.local(span.end()),
        };
        Ok(Some(RefusalExplained {
            explanation: ExplanationView::new(explanation, zone),
            alternatives: near.into_iter().map(alternative).collect(),
        }))
    }

    /// What is taken in the days around an instant, and whether that is all of it.
    async fn load_around(&self, wish: &Wish, start: DateTime<Utc>) -> Result<(Load, bool), Error> {
        // One day more on both sides: dates are of the tenant's zone, and claims have their buffers.
        let reach = Days::new(u64::from(REACH) + 2);
        let now = self.clock.now();
        let around = start.checked_sub_days(reach).zip(start.checked_add_days(reach));
        let Some((from, to)) = around.filter(|(_, to)| *to > now) else {
            return Ok((Load::default(), false));
        };
        let (resources, from) = (vec![wish.resource], from.max(now));
        let wanted = ClaimsOf { tenant: wish.tenant, resources, from, to: Some(to), after: None };
        let found = self.store.claims_of(&wanted, now, MOST_CLAIMS + 1).await?;
        let whole = found.len() as u64 <= MOST_CLAIMS;
        let others = found.iter().filter(|claimed| Some(claimed.id) != wish.except);
        Ok((Load::at(others.filter_map(Claimed::claim), now), whole))
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
