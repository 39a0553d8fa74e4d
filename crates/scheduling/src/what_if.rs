//! What would be otherwise under other rules: which bookings would be refused, which slots come and go,
//! how much of the open time is taken. Nothing is decided here that [`decide`] does not decide.

use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::{
    calendar::Calendar,
    day::Day,
    decide::{self, Refusal, Request},
    load::Load,
    occupancy::Occupancy,
    span::Span,
};

/// One resource under the rules of now and under others, for a stretch of time.
pub struct WhatIf<'a> {
    within: Span,
    before: Side<'a>,
    after: Side<'a>,
}

/// What becomes of a booking that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Both rules allow it.
    Stays,
    /// The rules of now allow it, the others would refuse it.
    Breaks(Refusal),
    /// The rules of now refuse it, the others would allow it.
    Mends,
    /// Both rules refuse it: the change is not to blame.
    Outside,
}

/// The slots of both sides, compared as sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotChange {
    /// How many there are under the rules of now.
    pub before: usize,
    /// How many there would be.
    pub after: usize,
    /// Those that only the others have, ascending.
    pub appear: Vec<Span>,
    /// Those that only the rules of now have, ascending.
    pub vanish: Vec<Span>,
}

/// How much of the open time is taken, in seconds; of a shared resource every place counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Open time, times places.
    pub open: u64,
    /// What bookings take of it.
    pub booked: u64,
}

/// One set of rules with its dates as instants.
struct Side<'a> {
    calendar: Calendar<'a>,
    first: NaiveDate,
    days: Vec<Day>,
}

impl<'a> WhatIf<'a> {
    /// Compares `before` with `after` for what lies in `within`, a matter of days.
    pub fn new(before: Calendar<'a>, after: Calendar<'a>, within: Span) -> Self {
        Self { within, before: Side::new(before, &within), after: Side::new(after, &within) }
    }

    /// What becomes of a booking of `span`, by the rules that hold whenever it is made: see
    /// [`decide::check_standing`].
    pub fn fate(&self, span: Span) -> Fate {
        match (self.before.standing(span), self.after.standing(span)) {
            (Ok(()), Ok(())) => Fate::Stays,
            (Ok(()), Err(refusal)) => Fate::Breaks(refusal),
            (Err(_), Ok(())) => Fate::Mends,
            (Err(_), Err(_)) => Fate::Outside,
        }
    }

    /// The slots that start in the stretch and can be booked at `now`. `taken` covers it, and a few days
    /// on either side.
    pub fn slots(&self, taken: &Load, now: DateTime<Utc>) -> SlotChange {
        let before = self.before.slots(taken, &self.within, now);
        let after = self.after.slots(taken, &self.within, now);
        SlotChange {
            before: before.len(),
            after: after.len(),
            appear: only_in(&after, &before),
            vanish: only_in(&before, &after),
        }
    }

    /// How much of the open time of the stretch `booked` takes, before and after. `booked` has the times
    /// of the bookings themselves, without the room around them.
    pub fn filled(&self, booked: &Load) -> (Filled, Filled) {
        (self.before.filled(booked, &self.within), self.after.filled(booked, &self.within))
    }
}

impl<'a> Side<'a> {
    fn new(calendar: Calendar<'a>, within: &Span) -> Self {
        let zone = &calendar.rules.zone;
        // A day more on either side: the clock may go back over midnight.
        let day = Days::new(1);
        let (start, end) = (zone.date(within.start()), zone.date(within.end()));
        let first = start.checked_sub_days(day).unwrap_or(start);
        let last = end.checked_add_days(day).unwrap_or(end);
        let dates = first.iter_days().take_while(|date| *date <= last);
        Self { calendar, first, days: dates.map(|date| calendar.day(date)).collect() }
    }

    fn standing(&self, span: Span) -> Result<(), Refusal> {
        let date = self.calendar.rules.zone.date(span.start());
        let place = usize::try_from(date.signed_duration_since(self.first).num_days());
        match place.ok().and_then(|place| self.days.get(place)) {
            Some(day) => decide::check_standing(&self.calendar, day, &span),
            None => decide::check_standing(&self.calendar, &self.calendar.day(date), &span),
        }
    }

    fn slots(&self, taken: &Load, within: &Span, now: DateTime<Utc>) -> Vec<Span> {
        let mut found = Vec::new();
        for day in self.days.iter().filter(|day| !day.open().is_free()) {
            let grid = self.calendar.grid(day);
            let inside =
                |slot: &Span| within.start() <= slot.start() && slot.start() < within.end();
            found.extend(grid.filter(inside).filter(|slot| {
                decide::on_day(&self.calendar, day, taken, Request::from(*slot), now).is_ok()
            }));
        }
        // Dates are in order, but where the clock goes back over midnight their hours need not be.
        found.sort_unstable();
        found.dedup();
        found
    }

    fn filled(&self, booked: &Load, within: &Span) -> Filled {
        let spans = self.days.iter().flat_map(|day| day.open().spans());
        let open: Occupancy = spans.filter_map(|span| span.intersect(within)).collect();
        let places = u64::from(self.calendar.policy.capacity.places());
        let mut filled = Filled::default();
        for span in open.spans() {
            filled.open += seconds(span) * places;
            filled.booked += taken_of(booked, span, places);
        }
        filled
    }
}

/// Seconds of a span times the places taken in it, of at most so many.
fn taken_of(booked: &Load, span: &Span, places: u64) -> u64 {
    let steps = booked.steps();
    let from = steps.partition_point(|(at, _)| *at <= span.start()).saturating_sub(1);
    let stretches = steps[from..].windows(2).take_while(|pair| pair[0].0 < span.end());
    let taken = stretches.filter_map(|pair| {
        let stretch = Span::new(pair[0].0, pair[1].0)?.intersect(span)?;
        Some(seconds(&stretch) * pair[0].1.min(places))
    });
    taken.sum()
}

fn seconds(span: &Span) -> u64 {
    let length = span.end().signed_duration_since(span.start());
    u64::try_from(length.num_seconds()).unwrap_or(0)
}

/// Those of `these` that are not among `others`. Both ascending.
fn only_in(these: &[Span], others: &[Span]) -> Vec<Span> {
    let missing = |span: &&Span| others.binary_search(span).is_err();
    these.iter().filter(missing).copied().collect()
}
