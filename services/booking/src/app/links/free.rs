//! Where a booking could be moved by its link.

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use contracts::link::{LinkAction, LinkedSlotsView};
use contracts::problem::Alternative;
use contracts::resource::ResourceStatus;
use scheduling::Load;

use super::{Bookings, LinkRefusal, Opened};
use crate::app::{CalendarFault, Offer};
use crate::error::Error;
use crate::store::{Claimed, ClaimsOf};

/// A claim that touches a day begins and ends no further from it: a day of room before it and after it,
/// and the zone's distance from UTC.
const MARGIN: TimeDelta = TimeDelta::days(3);

impl Bookings {
    /// The times of a civil day that the booking could be moved to: as long as it is, with its own place
    /// given up.
    pub(crate) async fn slots_by_link(
        &self,
        opened: &Opened,
        date: NaiveDate,
    ) -> Result<LinkedSlotsView, Error> {
        opened.needs(LinkAction::Move)?;
        let (booking, rules) = (&opened.booking, &opened.rules);
        if !booking.status().is_active() {
            return Err(LinkRefusal::NotMovable.into());
        }
        let resource = self.resource(booking.tenant_id, booking.resource_id).await?;
        if resource.status != ResourceStatus::Disponivel {
            return Err(Error::ResourceUnavailable);
        }
        let (now, zone, days) = (self.clock.now(), &rules.rules.zone, rules.rules.advance_days);
        let today = zone.date(now);
        if date < today {
            return Err(CalendarFault::Past.into());
        }
        if today.checked_add_days(Days::new(u64::from(days))).is_some_and(|last| date > last) {
            return Err(CalendarFault::TooFarAhead { days }.into());
        }
        let midnight = date.and_time(NaiveTime::MIN).and_utc();
        let wanted = ClaimsOf {
            tenant: booking.tenant_id,
            resources: vec![booking.resource_id],
            from: midnight - MARGIN,
            to: Some(midnight + MARGIN),
            after: None,
        };
        let claimed = self.claimed(wanted, now).await?;
        let others = claimed.iter().filter(|claimed| claimed.id != booking.id);
        let load = Load::at(others.filter_map(Claimed::claim), now);
        let length = booking.end_time - booking.start_time;
        let quantity = u32::try_from(booking.quantity).unwrap_or(1);
        let offer = Offer::new(rules, &resource);
        let free = offer.calendar().fitting(date, &load, length, quantity, now);
        let slots = free.into_iter().map(|span| Alternative::new(span, zone)).collect();
        Ok(LinkedSlotsView { date, timezone: zone.name().to_owned(), slots })
    }
}
