//! What a calendar shows, and to whom it still does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use common::auth::Caller;
use common::providers::{TenantRules, UserLookup};
use common::secret;
use contracts::calendar::{CALENDAR_SECRET_PREFIX, CalendarDetail, CalendarOf};
use contracts::facts::UserFacts;
use contracts::user::UserType;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use scheduling::icalendar::{self, Event, Heading};
use uuid::Uuid;

use super::{CalendarFault, Sheet, sheet};
use crate::app::Bookings;
use crate::error::Error;
use crate::store::{Booking, Feed, Stretch};

/// How far back a calendar goes.
const BACK: TimeDelta = TimeDelta::days(90);
/// How far ahead it goes: further than anybody may book.
const AHEAD: TimeDelta = TimeDelta::days(400);
/// The most events of a calendar. Those to come go first; what is left is for the latest before.
const MOST_EVENTS: u64 = 5_000;
/// Resources that are asked for at once.
const AT_ONCE: usize = 8;
/// The longest secret that is looked up.
const LONGEST_SECRET: usize = 64;

impl Bookings {
    /// One booking as a file, for whoever may see it. A hold is none yet.
    pub(crate) async fn booking_sheet(&self, caller: &Caller, id: Uuid) -> Result<Sheet, Error> {
        let booking = self.visible(caller, id).await?;
        if booking.expires_at.is_some() {
            return Err(Error::IsHold);
        }
        let rules = self.rules(booking.tenant_id).await?;
        let names = self.names(std::slice::from_ref(&booking)).await?;
        let name = names.get(&booking.resource_id).map(String::as_str);
        let event = sheet::event(&booking, &rules, name, CalendarDetail::Full);
        let text = icalendar::event(&event.ok_or(Error::NoBooking)?);
        Ok(Sheet { tenant: booking.tenant_id, text, name: id.to_string() })
    }

    /// The calendar of a secret, as long as its owner may see what it shows. Whatever is wrong, the answer is
    /// one and the same.
    pub(crate) async fn feed_sheet(&self, secret: &str) -> Result<Sheet, Error> {
        let shaped = secret.starts_with(CALENDAR_SECRET_PREFIX) && secret.len() <= LONGEST_SECRET;
        let found = if shaped { self.store.feed_of(&secret::hash(secret)).await? } else { None };
        let feed = &found.ok_or(CalendarFault::Unknown)?;
        let of = feed.of().ok_or(CalendarFault::Unknown)?;
        let rules = self.feed_counts(feed, of).await?;
        let mut bookings = self.around_now(feed.tenant_id, of).await?;
        bookings.sort_by_key(|booking| (booking.start_time, booking.id));
        let (name, names) = match of {
            CalendarOf::User(_) => {
                let label = rules.settings.custom_labels.booking_label.clone();
                (label, self.names(&bookings).await?)
            }
            CalendarOf::Resource(id) => {
                let resource = self.resource(feed.tenant_id, id).await.map_err(unknown)?;
                (resource.name.clone(), BTreeMap::from([(id, resource.name.clone())]))
            }
        };
        let event = |booking: &Booking| {
            let name = names.get(&booking.resource_id).map(String::as_str);
            sheet::event(booking, &rules, name, feed.detail())
        };
        let events: Vec<Event> = bookings.iter().filter_map(event).collect();
        let zone = rules.rules.zone.clone();
        let heading = Heading { name, zone, at: self.clock.now() };
        let text = icalendar::calendar(&heading, &events);
        Ok(Sheet { tenant: feed.tenant_id, text, name: "calendario".to_owned() })
    }

    /// The rules of a calendar's tenant, if the calendar still counts: by what its owner may see now, not
    /// by what the owner might when it was made.
    async fn feed_counts(&self, feed: &Feed, of: CalendarOf) -> Result<Arc<TenantRules>, Error> {
        let rules = self.rules(feed.tenant_id).await.map_err(unknown)?;
        if !rules.is_active {
            return Err(CalendarFault::Unknown.into());
        }
        let may = match feed.owner_id {
            None => self.feed_rules.open,
            Some(owner) => {
                let facts = self.active(feed.tenant_id, owner).await?;
                let admin = facts.user_type == UserType::Admin;
                match of {
                    CalendarOf::User(user) => admin || user == owner,
                    CalendarOf::Resource(_) => admin || facts.permissions.can_view_all_bookings,
                }
            }
        };
        if let CalendarOf::User(user) = of
            && feed.owner_id != Some(user)
        {
            self.active(feed.tenant_id, user).await?;
        }
        if may { Ok(rules) } else { Err(CalendarFault::Unknown.into()) }
    }

    /// An active user of a tenant.
    async fn active(&self, tenant: Uuid, id: Uuid) -> Result<Arc<UserFacts>, Error> {
        match self.people.find(id).await {
            UserLookup::Known(facts) if facts.tenant_id == tenant && facts.is_active => Ok(facts),
            UserLookup::Known(_) | UserLookup::Unknown => Err(CalendarFault::Unknown.into()),
            UserLookup::Unreachable { .. } => Err(Error::UserUnverifiable),
        }
    }

    /// The bookings that a calendar has room for.
    async fn around_now(&self, tenant: Uuid, of: CalendarOf) -> Result<Vec<Booking>, Error> {
        let now = self.clock.now();
        let ahead = Stretch { tenant, of, from: now, to: now + AHEAD, backwards: false };
        let mut found = self.store.bookings_of(&ahead, MOST_EVENTS).await?;
        let left = MOST_EVENTS.saturating_sub(found.len() as u64);
        let back = Stretch { tenant, of, from: now - BACK, to: now, backwards: true };
        found.extend(self.store.bookings_of(&back, left).await?);
        Ok(found)
    }

    /// The names of the resources of some bookings of one tenant; those that are gone have none.
    async fn names(&self, bookings: &[Booking]) -> Result<BTreeMap<Uuid, String>, Error> {
        let all: BTreeSet<(Uuid, Uuid)> =
            bookings.iter().map(|booking| (booking.tenant_id, booking.resource_id)).collect();
        let asked = all.into_iter().map(|(tenant, id)| async move {
            let found = self.resources.find(tenant, id).await.map_err(Error::Unverifiable)?;
            Ok::<_, Error>(found.map(|resource| (id, resource.name.clone())))
        });
        stream::iter(asked)
            .buffer_unordered(AT_ONCE)
            .try_filter_map(|found| async move { Ok(found) })
            .try_collect()
            .await
    }
}

/// What is gone makes the calendar unknown; what cannot be asked for does not.
fn unknown(error: Error) -> Error {
    if matches!(error, Error::NoTenant | Error::NoResource) {
        return CalendarFault::Unknown.into();
    }
    error
}
