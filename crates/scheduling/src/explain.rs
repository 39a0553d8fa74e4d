//! Why a time cannot be booked, and which ones near it can.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use crate::{
    calendar::Calendar,
    decide::{self, Refusal, Request},
    load::Load,
    span::Span,
};

/// The layer that hides a time. Open rules replace downwards, closures add up, policy only hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Working hours and weekly schedule.
    Open,
    /// A date override.
    DateOverride,
    /// A holiday, maintenance or another closure.
    Closure,
    /// Bookings and holds.
    Busy,
    /// Notice, reach, length, grid.
    Policy,
}

impl Layer {
    /// The wire value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::DateOverride => "date_override",
            Self::Closure => "closure",
            Self::Busy => "busy",
            Self::Policy => "policy",
        }
    }
}

/// Why a time cannot be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Which layer hides it.
    pub layer: Layer,
    /// The rule's code, as in the refusal of a booking.
    pub rule: &'static str,
    /// Why, in the words of who closed it; `None` if nobody said.
    pub reason: Option<String>,
    /// When this rule stops to hide what lies there: the end of the closure, the bookings or the
    /// closed hours around the start; for notice and reach, the instant at which the rule is decided
    /// otherwise for this very time. `None`: never, or not to be known.
    pub until: Option<DateTime<Utc>>,
}

impl Refusal {
    /// The layer that refuses.
    pub fn layer(&self) -> Layer {
        match self {
            Self::OutsideHours | Self::ClosedWeekday | Self::OutsideSchedule => Layer::Open,
            Self::ClosedDate { .. } => Layer::DateOverride,
            Self::Closure { .. } => Layer::Closure,
            Self::Taken | Self::Full { .. } => Layer::Busy,
            Self::EndBeforeStart
            | Self::NotInFuture
            | Self::TooSoon { .. }
            | Self::TooFarAhead { .. }
            | Self::NotAMultiple { .. }
            | Self::TooShort { .. }
            | Self::TooLong { .. }
            | Self::OffGrid { .. } => Layer::Policy,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::ClosedDate { reason } | Self::Closure { reason, .. } => {
                Some(reason.as_str()).filter(|reason| !reason.is_empty())
            }
            Self::EndBeforeStart
            | Self::NotInFuture
            | Self::TooSoon { .. }
            | Self::TooFarAhead { .. }
            | Self::NotAMultiple { .. }
            | Self::TooShort { .. }
            | Self::TooLong { .. }
            | Self::OutsideHours
            | Self::ClosedWeekday
            | Self::OutsideSchedule
            | Self::Taken
            | Self::Full { .. }
            | Self::OffGrid { .. } => None,
        }
    }
}

/// How many days after a closed one are looked through for the next open hours.
const LOOK_AHEAD: u64 = 31;

impl Calendar<'_> {
    /// Explains a refusal of `request`.
    pub fn explain(&self, taken: &Load, request: Request, refusal: &Refusal) -> Explanation {
        Explanation {
            layer: refusal.layer(),
            rule: refusal.code(),
            reason: refusal.reason().map(str::to_owned),
            until: self.until(taken, request, refusal),
        }
    }

    fn until(&self, taken: &Load, request: Request, refusal: &Refusal) -> Option<DateTime<Utc>> {
        let Request { start, end, quantity } = request;
        match refusal {
            Refusal::TooFarAhead { .. } => start.checked_sub_signed(self.advance()),
            Refusal::Taken | Refusal::Full { .. } => {
                let claim = self.policy.claim(Span::new(start, end)?);
                let capacity = self.policy.capacity;
                let needed = u64::from(capacity.taken_by(quantity));
                let last_full = taken
                    .steps()
                    .windows(2)
                    .filter(|pair| pair[0].0 < claim.end() && pair[1].0 > claim.start())
                    .find(|pair| pair[0].1 + needed > u64::from(capacity.places()))?;
                taken.free_from(last_full[0].0, u64::from(capacity.places()), needed)
            }
            Refusal::Closure { .. } => {
                let span = Span::new(start, end)?;
                let day = self.day_of(start);
                let closed = day.closures().iter().find(|(closed, ..)| closed.overlaps(&span))?;
                Some(closed.0.end())
            }
            Refusal::OutsideHours
            | Refusal::ClosedWeekday
            | Refusal::OutsideSchedule
            | Refusal::ClosedDate { .. } => self.opens_after(start),
            Refusal::EndBeforeStart
            | Refusal::NotInFuture
            | Refusal::TooSoon { .. }
            | Refusal::NotAMultiple { .. }
            | Refusal::TooShort { .. }
            | Refusal::TooLong { .. }
            | Refusal::OffGrid { .. } => None,
        }
    }

    /// The next start of open hours after an instant.
    fn opens_after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = self.rules.zone.date(instant);
        (0..=LOOK_AHEAD).filter_map(|days| first.checked_add_days(Days::new(days))).find_map(
            |date| {
                let open = self.open(date);
                open.into_iter().map(|span| span.start()).find(|start| *start > instant)
            },
        )
    }

    /// Up to `count` bookable spans of the wish's length nearest to its start, within `reach` days of
    /// its date; the earlier of two that are as near comes first. `taken` covers those days.
    pub fn nearest(
        &self,
        taken: &Load,
        wish: Request,
        now: DateTime<Utc>,
        reach: u32,
        count: usize,
    ) -> Vec<Span> {
        let length = wish.end.signed_duration_since(wish.start);
        if length <= TimeDelta::zero() {
            return Vec::new();
        }
        let distance = |span: &Span| {
            let away = span.start().signed_duration_since(wish.start);
            (away.abs(), away)
        };
        let mut found: Vec<Span> = Vec::new();
        let today = self.rules.zone.date(wish.start);
        for away in 0..=reach {
            let day = Days::new(u64::from(away));
            let dates = [today.checked_sub_days(day), today.checked_add_days(day)];
            let dates: Vec<NaiveDate> = dates.into_iter().flatten().collect();
            let distinct = if away == 0 { &dates[..dates.len().min(1)] } else { &dates[..] };
            for date in distinct {
                found.extend(self.fitting(*date, taken, length, wish.quantity, now));
            }
            found.sort_unstable_by_key(distance);
            found.truncate(count);
            // The next dates further away begin or end at least so far from the wish, even where the
            // clock changes and a date between was skipped.
            let beyond = TimeDelta::days(i64::from(away)) - TimeDelta::hours(26);
            let worst = found.last().filter(|_| found.len() == count).map(distance);
            if worst.is_some_and(|(away, _)| away <= beyond) {
                break;
            }
        }
        found
    }

    /// Every bookable span of a length on a civil date, ascending.
    pub fn fitting(
        &self,
        date: NaiveDate,
        taken: &Load,
        length: TimeDelta,
        quantity: u32,
        now: DateTime<Utc>,
    ) -> Vec<Span> {
        let day = self.day(date);
        let starts = self.grid(&day).map(|slot| slot.start());
        let fit = |start: DateTime<Utc>| {
            let request = Request { start, end: start.checked_add_signed(length)?, quantity };
            decide::on_day(self, &day, taken, request, now).ok()
        };
        starts.filter_map(fit).collect()
    }
}
