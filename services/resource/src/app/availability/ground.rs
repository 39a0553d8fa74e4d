//! The pure part of an availability answer.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use common::http::content_tag;
use common::providers::TenantRules;
use contracts::problem::Alternative;
use contracts::resource::{AvailabilityView, ExplanationView, RefusedSlot, SlotView};
use scheduling::calendar::Verdict;
use scheduling::decide::Request;
use scheduling::{Calendar, Load, Policy, Rules, Span, Weekly};

use super::near::{Epoch, Ready};
use super::{Found, Quality, day};

/// How long an answer by the last known settings is kept: the tenant service may be back any moment.
const LAST_KNOWN: TimeDelta = TimeDelta::seconds(1);

/// The most alternatives to a slot that is not free.
const ALTERNATIVES: usize = 3;
/// How far they are from it.
const REACH: TimeDelta = TimeDelta::days(7);
/// The days that have them, before and after.
pub(super) const REACH_DAYS: u64 = 7;

/// What the answers about a resource rest on, beside its bookings.
pub(super) struct Ground<'a> {
    pub(super) found: &'a Found,
    pub(super) tenant: Arc<TenantRules>,
    pub(super) quality: Quality,
    pub(super) policy: Policy,
    pub(super) schedule: Weekly,
}

impl Ground<'_> {
    pub(super) fn rules(&self) -> &Rules {
        &self.tenant.rules
    }

    fn calendar(&self) -> Calendar<'_> {
        Calendar {
            rules: &self.tenant.rules,
            schedule: &self.schedule,
            exceptions: &self.found.exceptions,
            policy: &self.policy,
        }
    }

    /// A day's slots, and when they are others while nothing happens.
    fn slots(
        &self,
        date: NaiveDate,
        load: &Load,
        now: DateTime<Utc>,
    ) -> (Vec<Span>, Option<DateTime<Utc>>) {
        if !self.tenant.is_active {
            return (Vec::new(), None);
        }
        let day = self.calendar().slots_with_expiry(date, load, now);
        (day.slots, day.valid_until)
    }

    fn view(
        &self,
        date: NaiveDate,
        load: &Load,
        slots: Vec<Span>,
        refused: Option<Vec<RefusedSlot>>,
    ) -> AvailabilityView {
        let (zone, calendar) = (&self.tenant.rules.zone, self.calendar());
        let slot = |span: Span| SlotView {
            start_time: zone.local(span.start()),
            end_time: zone.local(span.end()),
            remaining: calendar.remaining(load, span),
        };
        AvailabilityView {
            resource_id: self.found.resource.id,
            tenant_id: self.found.resource.tenant_id,
            date,
            timezone: zone.name().to_owned(),
            slots: slots.into_iter().map(slot).collect(),
            refused,
            holds_end: load.next_expiry().map(|end| zone.local(end)),
            settings_source: (self.quality == Quality::Default).then(|| "default".to_owned()),
        }
    }

    /// Every free slot of some dates, in order.
    pub(super) fn free(&self, dates: &[NaiveDate], load: &Load, now: DateTime<Utc>) -> Vec<Span> {
        dates.iter().flat_map(|date| self.slots(*date, load, now).0).collect()
    }

    /// A day with every slot of the grid that cannot be booked, why, and which of the `free` ones are near.
    pub(super) fn explained(
        &self,
        date: NaiveDate,
        load: &Load,
        free: &[Span],
        now: DateTime<Utc>,
    ) -> AvailabilityView {
        if !self.tenant.is_active {
            return self.view(date, load, Vec::new(), Some(Vec::new()));
        }
        let (zone, calendar) = (&self.tenant.rules.zone, self.calendar());
        let (mut slots, mut refused) = (Vec::new(), Vec::new());
        for Verdict { slot, refusal } in calendar.verdicts(date, load, now) {
            let Some(refusal) = refusal else {
                slots.push(slot);
                continue;
            };
            let explanation = calendar.explain(load, Request::from(slot), &refusal);
            refused.push(RefusedSlot {
                start_time: zone.local(slot.start()),
                end_time: zone.local(slot.end()),
                explanation: ExplanationView::new(explanation, zone),
                alternatives: nearest(free, slot.start())
                    .map(|span| Alternative::new(span, zone))
                    .collect(),
            });
        }
        self.view(date, load, slots, Some(refused))
    }

    /// A day, ready to be sent and kept. `begun`: now, and the tenant's epoch before its rules were read.
    pub(super) fn ready(
        &self,
        date: NaiveDate,
        load: &Load,
        fresh_until: DateTime<Utc>,
        begun: (DateTime<Utc>, Epoch),
    ) -> Ready {
        let (now, tenant_epoch) = begun;
        let (slots, change) = self.slots(date, load, now);
        let body = serde_json::to_vec(&self.view(date, load, slots, None)).unwrap_or_default();
        let known = match self.quality {
            Quality::Current => fresh_until,
            Quality::LastKnown => now + LAST_KNOWN,
            Quality::Default => now,
        };
        let ends = [Some(known), Some(fresh_until), Some(day::end(self.rules(), date)), change];
        Ready {
            tenant_id: self.found.resource.tenant_id,
            tenant_epoch,
            from: now,
            until: ends.into_iter().flatten().min().unwrap_or(now),
            by_default_rules: self.quality == Quality::Default,
            tag: content_tag(&body),
            body: Bytes::from(body),
        }
    }

    /// Something that is made for this one answer.
    pub(super) fn once(&self, body: Vec<u8>, begun: (DateTime<Utc>, Epoch)) -> Ready {
        let (now, tenant_epoch) = begun;
        Ready {
            tenant_id: self.found.resource.tenant_id,
            tenant_epoch,
            from: now,
            until: now,
            by_default_rules: self.quality == Quality::Default,
            tag: content_tag(&body),
            body: Bytes::from(body),
        }
    }
}

/// Of spans in order those that start nearest to an instant and within [`REACH`], the earlier of two that are
/// as near first.
fn nearest(free: &[Span], to: DateTime<Utc>) -> impl Iterator<Item = Span> {
    let after = free.partition_point(|span| span.start() < to);
    let (earlier, later) = free.split_at(after);
    let few = earlier.iter().rev().take(ALTERNATIVES).chain(later.iter().take(ALTERNATIVES));
    let away = |span: &Span| span.start().signed_duration_since(to);
    let mut few: Vec<Span> = few.copied().filter(|span| away(span).abs() <= REACH).collect();
    few.sort_unstable_by_key(|span| (away(span).abs(), away(span)));
    few.into_iter().take(ALTERNATIVES)
}
