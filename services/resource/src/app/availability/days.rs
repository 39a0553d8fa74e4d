//! Several days at once, and explained ones.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use common::auth::Scope;
use contracts::resource::AvailabilityDays;
use scheduling::Load;
use uuid::Uuid;

use super::ground::{Ground, REACH_DAYS};
use super::near::{Key, Ready};
use super::{Availability, Found, day};
use crate::error::{Error, NoAnswer};

/// What is asked beyond one plain day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    /// So many days; `None`: one, answered as a day and not as a list.
    pub(crate) days: Option<u32>,
    /// With the reasons of what is not free.
    pub(crate) explain: bool,
    /// Made anew, whatever is cached.
    pub(crate) bypass: bool,
}

impl Availability {
    /// The days from a civil date on, or that one day explained. Plain days are kept one by one and
    /// come from what is kept; explained ones are made for this answer.
    pub(crate) async fn of_range(
        &self,
        scope: Scope,
        resource: Uuid,
        date: Option<&str>,
        range: Range,
    ) -> Result<Arc<Ready>, Error> {
        let epoch = self.near.epoch(resource);
        let (found, first) = self.asked(scope, resource, date).await?;
        let tenant_epoch = self.near.epoch(found.resource.tenant_id);
        let ground = self.ground(&found).await.map_err(Error::from)?;
        let now = self.clock.now();
        day::check(ground.rules(), first, now).map_err(Error::from)?;
        let dates: Vec<NaiveDate> = first
            .iter_days()
            .take(usize::try_from(range.days.unwrap_or(1)).unwrap_or(1))
            .take_while(|date| day::check(ground.rules(), *date, now).is_ok())
            .collect();
        let begun = (now, tenant_epoch);
        if range.explain {
            let around = around(&dates);
            let (load, _) = self.load(&ground, &around, now).await?;
            let free = ground.free(&around, &load, now);
            let days = dates.iter().map(|date| ground.explained(*date, &load, &free, now));
            let body = match range.days {
                None => serde_json::to_vec(&days.collect::<Vec<_>>().pop()),
                Some(_) => serde_json::to_vec(&AvailabilityDays {
                    resource_id: resource,
                    tenant_id: found.resource.tenant_id,
                    days: days.collect(),
                }),
            };
            return Ok(Arc::new(ground.once(body.unwrap_or_default(), begun)));
        }
        let mut kept: Vec<Option<Arc<Ready>>> = Vec::with_capacity(dates.len());
        for date in &dates {
            let ready = self.near.get(resource, *date, now).await;
            kept.push(ready.filter(|_| !range.bypass));
        }
        if kept.iter().any(Option::is_none) {
            let (load, fresh_until) = self.load(&ground, &dates, now).await?;
            let missing = dates.iter().zip(&mut kept).filter(|(_, slot)| slot.is_none());
            for (date, slot) in missing {
                let ready = Arc::new(ground.ready(*date, &load, fresh_until, begun));
                self.near.put(Key { resource, date: *date, epoch }, &ready).await;
                *slot = Some(ready);
            }
        }
        let ready: Vec<Arc<Ready>> = kept.into_iter().flatten().collect();
        let body = joined(resource, found.resource.tenant_id, &ready);
        Ok(Arc::new(ground.once(body, begun)))
    }

    /// What is taken on these dates, and until when that may be believed. Asked of the booking service
    /// itself, all at once.
    async fn load(
        &self,
        ground: &Ground<'_>,
        dates: &[NaiveDate],
        now: DateTime<Utc>,
    ) -> Result<(Load, DateTime<Utc>), NoAnswer> {
        let Found { resource, .. } = ground.found;
        let first = dates.first().copied().unwrap_or_else(|| now.date_naive());
        let (from, _) = day::reach(ground.rules(), &ground.policy, first);
        let last = dates.last().copied().unwrap_or(first);
        let (_, to) = day::reach(ground.rules(), &ground.policy, last + Days::new(1));
        let busy = self.bookings.anew(resource.tenant_id, resource.id, from, to).await?;
        // As of a moment after the answer, as one day is.
        Ok((Load::at(busy.claims, now), busy.fresh_until))
    }
}

/// Dates, and those around them where alternatives are looked for.
fn around(dates: &[NaiveDate]) -> Vec<NaiveDate> {
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else { return Vec::new() };
    let from = *first - Days::new(REACH_DAYS);
    from.iter_days().take_while(|date| *date <= *last + Days::new(REACH_DAYS)).collect()
}

/// [`AvailabilityDays`] of days that are text already.
fn joined(resource: Uuid, tenant: Uuid, days: &[Arc<Ready>]) -> Vec<u8> {
    let length: usize = days.iter().map(|day| day.body.len() + 1).sum();
    let mut body = Vec::with_capacity(length + 128);
    let head = format!("{{\"resource_id\":\"{resource}\",\"tenant_id\":\"{tenant}\",\"days\":[");
    body.extend_from_slice(head.as_bytes());
    for (place, day) in days.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&day.body);
    }
    body.extend_from_slice(b"]}");
    body
}
