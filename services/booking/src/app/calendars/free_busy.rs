//! When a resource is taken, for who may see its availability.

use chrono::{Days, TimeDelta};
use common::auth::Caller;
use contracts::facts::ClaimFacts;
use contracts::resource::ResourceStatus;
use scheduling::icalendar::{self, FreeBusy};
use scheduling::{Calendar, Load, Occupancy, Rules, Span, Zone};
use uuid::Uuid;

use super::{CalendarFault, Sheet, sheet};
use crate::app::{Bookings, Edge, Offer};
use crate::error::Error;

/// The most days of one answer, as of an answer about availability.
const MOST_DAYS: u32 = 31;
/// The same, where the clock was set back meanwhile.
const LONGEST: TimeDelta = TimeDelta::hours(31 * 24 + 3);

impl Bookings {
    /// What is taken of a resource between two times, holds and the room around bookings included; and
    /// when it is closed.
    pub(crate) async fn free_busy(
        &self,
        caller: &Caller,
        id: Uuid,
        (from, to): (&Edge, &Edge),
    ) -> Result<Sheet, Error> {
        let found = self.resources.find_within(caller.scope(), id).await;
        let resource = found.map_err(Error::Unverifiable)?.ok_or(Error::NoResource)?;
        let tenant = resource.tenant_id;
        let rules = self.rules(tenant).await?;
        let now = self.clock.now();
        let zone = &rules.rules.zone;
        let span = Span::new(from.resolve(zone)?, to.resolve(zone)?).ok_or(CalendarFault::Order)?;
        check(&rules.rules, &span, zone.date(now))?;
        let taken = self.occupancy(tenant, id, span.start(), span.end()).await?;
        let offer = Offer::new(&rules, &resource);
        let load = Load::at(taken.claims.iter().filter_map(ClaimFacts::claim), now);
        let busy = busy(&load, u64::from(offer.asked.policy.capacity.places()), &span);
        let open = match resource.status {
            ResourceStatus::Disponivel => open(&offer.calendar(), zone, &span),
            ResourceStatus::Indisponivel | ResourceStatus::Manutencao => Occupancy::free(),
        };
        let unavailable = Occupancy::from_spans([span]);
        let unavailable = unavailable.without(open.spans().iter().chain(busy.spans()).copied());
        let text = icalendar::free_busy(&FreeBusy {
            uid: sheet::uid(id),
            at: now,
            span,
            busy,
            unavailable,
        });
        Ok(Sheet { tenant, text, name: id.to_string() })
    }
}

/// No more than can be asked of availability: before today not every closure is known any more.
fn check(rules: &Rules, span: &Span, today: chrono::NaiveDate) -> Result<(), CalendarFault> {
    if span.end() - span.start() > LONGEST {
        return Err(CalendarFault::TooLong { days: MOST_DAYS });
    }
    if rules.zone.date(span.start()) < today {
        return Err(CalendarFault::Past);
    }
    let last = rules.zone.date(span.end() - TimeDelta::seconds(1));
    let days = rules.advance_days;
    match today.checked_add_days(Days::new(u64::from(days))) {
        Some(limit) if last > limit => Err(CalendarFault::TooFarAhead { days }),
        Some(_) | None => Ok(()),
    }
}

/// When no place is left.
fn busy(load: &Load, places: u64, within: &Span) -> Occupancy {
    let full = load.steps().windows(2).filter(|pair| pair[0].1 >= places);
    let spans = full.filter_map(|pair| Span::new(pair[0].0, pair[1].0)?.intersect(within));
    Occupancy::from_spans(spans)
}

/// When the resource is open. Hours may reach into the date after theirs.
fn open(calendar: &Calendar<'_>, zone: &Zone, within: &Span) -> Occupancy {
    let (first, last) = (zone.date(within.start()), zone.date(within.end()));
    let dates = first.pred_opt().unwrap_or(first).iter_days().take_while(|date| *date <= last);
    Occupancy::from_spans(dates.flat_map(|date| calendar.open(date)))
}
