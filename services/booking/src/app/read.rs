//! Reading bookings.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use common::auth::{Caller, Scope};
use contracts::booking::BookingView;
use contracts::facts::{ClaimFacts, OccupancyView};
use scheduling::{Load, TimeInput, Zone};
use uuid::Uuid;

use super::Bookings;
use crate::error::Error;
use crate::store::{Booking, Claimed, ClaimsOf, Filter, SortKey};

/// Claims read at once.
const PAGE: u64 = 2_000;
/// Pages of one answer: as many bookings as a resource has places, and more.
const MOST_PAGES: u32 = 250;

/// One end of the window a list is narrowed to.
#[derive(Debug, Clone)]
pub(crate) enum Edge {
    /// A civil day of the tenant: its first instant.
    Day(NaiveDate),
    /// A moment.
    Time(TimeInput),
}

impl Edge {
    pub(super) fn resolve(&self, zone: &Zone) -> Result<DateTime<Utc>, Error> {
        match self {
            Self::Day(date) => Ok(zone.day_start(*date)),
            Self::Time(time) => time.resolve(zone).map_err(|_| Error::NonexistentLocalTime),
        }
    }

    fn is_local(&self) -> bool {
        matches!(self, Self::Day(_) | Self::Time(TimeInput::Local(_)))
    }
}

/// What a caller asks of the list of bookings.
pub(crate) struct Listing {
    pub(crate) scope: Scope,
    pub(crate) filter: Filter,
    pub(crate) from: Option<Edge>,
    pub(crate) to: Option<Edge>,
    pub(crate) after: Option<SortKey>,
    pub(crate) limit: u64,
    pub(crate) count: bool,
}

impl Bookings {
    /// One booking.
    pub(crate) async fn get(&self, caller: &Caller, id: Uuid) -> Result<BookingView, Error> {
        Ok(self.visible(caller, id).await?.view(self.clock.now()))
    }

    /// A page of bookings by start, and how many there are if that was asked.
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        mut listing: Listing,
    ) -> Result<(Vec<Booking>, Option<u64>), Error> {
        let edges = [listing.from.take(), listing.to.take()];
        let zone = self.zone(listing.scope, &edges).await?;
        let [from, to] = edges.map(|edge| edge.map(|edge| edge.resolve(&zone)));
        listing.filter.from = from.transpose()?;
        listing.filter.to = to.transpose()?;
        if !caller.permissions().can_view_all_bookings {
            // A plain user sees only his own, whatever he asks for.
            let own = caller.user_id();
            if listing.filter.user_id.is_some() && listing.filter.user_id != own {
                return Ok((Vec::new(), listing.count.then_some(0)));
            }
            listing.filter.user_id = own;
        }
        let rows =
            self.store.list(listing.scope, &listing.filter, listing.after, listing.limit).await?;
        let total = if listing.count {
            Some(self.store.count(listing.scope, &listing.filter).await?)
        } else {
            None
        };
        Ok((rows, total))
    }

    /// The tenant's zone, asked for only where a time without an offset needs it.
    async fn zone(&self, scope: Scope, edges: &[Option<Edge>; 2]) -> Result<Zone, Error> {
        match scope {
            Scope::Tenant(tenant) if edges.iter().flatten().any(Edge::is_local) => {
                Ok(self.rules(tenant).await?.rules.zone.clone())
            }
            Scope::Tenant(_) | Scope::All => Ok(Zone::utc()),
        }
    }

    /// What is taken of a resource.
    pub(crate) async fn occupancy(
        &self,
        tenant: Uuid,
        resource: Uuid,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<OccupancyView, Error> {
        let now = self.clock.now();
        let wanted =
            ClaimsOf { tenant, resources: vec![resource], from, to: Some(to), after: None };
        let (mut bookings, mut claims) = (Vec::new(), Vec::new());
        for row in self.claimed(wanted, now).await? {
            match row.expires {
                None => bookings.extend(row.claim()),
                Some(_) => claims.push(row.facts()),
            }
        }
        claims.extend(sums(&Load::at(bookings, now)));
        Ok(OccupancyView { claims })
    }

    /// All that is claimed, page by page.
    pub(super) async fn claimed(
        &self,
        mut wanted: ClaimsOf,
        now: DateTime<Utc>,
    ) -> Result<Vec<Claimed>, Error> {
        let mut claimed = Vec::new();
        for _ in 0..MOST_PAGES {
            let rows = self.store.claims_of(&wanted, now, PAGE).await?;
            wanted.after = rows.last().map(Claimed::key);
            let full = rows.len() as u64 == PAGE;
            claimed.extend(rows);
            if !full {
                return Ok(claimed);
            }
        }
        // Not to be told is better than to be told that the rest is free.
        Err(Error::TooManyClaims)
    }
}

/// What bookings take together: one claim for each stretch in which it is the same, so that an answer is
/// no longer than the bookings have different times.
fn sums(load: &Load) -> impl Iterator<Item = ClaimFacts> {
    let taken = load.steps().windows(2).filter(|pair| pair[0].1 > 0);
    taken.map(|pair| ClaimFacts {
        from: pair[0].0,
        to: pair[1].0,
        quantity: u32::try_from(pair[0].1).unwrap_or(u32::MAX),
        expires_at: None,
    })
}

/// The fields of a booking that differ: `{field: {old, new}}`.
pub(super) fn changes(
    old: &Booking,
    new: &Booking,
    now: DateTime<Utc>,
) -> serde_json::Map<String, serde_json::Value> {
    let fields = |booking: &Booking| -> BTreeMap<String, serde_json::Value> {
        let view = serde_json::to_value(booking.clone().view(now)).unwrap_or_default();
        view.as_object().cloned().unwrap_or_default().into_iter().collect()
    };
    let (before, after) = (fields(old), fields(new));
    let derived = ["version", "updated_at", "can_cancel"];
    before
        .into_iter()
        .filter(|(name, _)| !derived.contains(&name.as_str()))
        .filter_map(|(name, old)| {
            let new = after.get(&name)?;
            (old != *new).then(|| (name, serde_json::json!({ "old": old, "new": new })))
        })
        .collect()
}
