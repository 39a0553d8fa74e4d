//! Open time and slots of one resource.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use crate::{
    decide::{self, Refusal, Request},
    occupancy::Occupancy,
    rules::Rules,
    span::Span,
    weekly::Weekly,
};

/// One resource's time: the rules of its tenant and its own weekly schedule.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    /// The tenant's rules.
    pub rules: &'a Rules,
    /// The resource's schedule; its ranges count only inside the tenant's working hours.
    pub schedule: &'a Weekly,
}

/// The slots of a date, and how long the answer stays right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayAnswer {
    /// The bookable slots, ascending.
    pub slots: Vec<Span>,
    /// The same call gives the same slots at every `now` from this call's up to, not including,
    /// this instant. `None`: at every later `now`.
    pub valid_until: Option<DateTime<Utc>>,
}

/// What one civil date of a calendar looks like as instants.
pub(crate) struct Day {
    pub(crate) date: NaiveDate,
    /// Opening of the working hours: the origin of the grid.
    pub(crate) opening: DateTime<Utc>,
    /// Closing of the working hours; not after `opening` when the zone skipped the hours.
    pub(crate) closing: DateTime<Utc>,
    /// Whether the schedule names no range for this weekday.
    pub(crate) closed: bool,
    /// Layer 1: sorted, disjoint, inside the working hours.
    pub(crate) open: Occupancy,
}

impl Calendar<'_> {
    /// Layer 1, the open time of a civil date: the ranges of the schedule clipped to the working
    /// hours, as instants by the window-edge rules of [`crate::zone::Zone`], sorted and disjoint.
    /// Empty on a closed or skipped date.
    pub fn open(&self, date: NaiveDate) -> Vec<Span> {
        self.day(date).open.spans().to_vec()
    }

    /// The slots of a civil date that [`decide::place`] accepts at `now`, ascending.
    ///
    /// A slot is `interval_minutes` long and starts at the opening of the working hours plus a
    /// multiple of it in elapsed minutes.
    pub fn slots(&self, date: NaiveDate, taken: &Occupancy, now: DateTime<Utc>) -> Vec<Span> {
        self.slots_with_expiry(date, taken, now).slots
    }

    /// As [`Calendar::slots`], and until when the answer holds while only `now` moves: until the
    /// first listed slot starts, or another one comes within reach of `advance_days`.
    pub fn slots_with_expiry(
        &self,
        date: NaiveDate,
        taken: &Occupancy,
        now: DateTime<Utc>,
    ) -> DayAnswer {
        let day = self.day(date);
        let (mut slots, mut valid_until) = (Vec::new(), None::<DateTime<Utc>>);
        for slot in self.grid(&day) {
            let request = Request::from(slot);
            let change = match decide::on_day(self, &day, taken, request, now) {
                Ok(span) => {
                    slots.push(span);
                    Some(span.start())
                }
                Err(Refusal::TooFarAhead { .. }) => self
                    .reachable_from(slot)
                    .filter(|&then| decide::on_day(self, &day, taken, request, then).is_ok()),
                Err(
                    Refusal::EndBeforeStart
                    | Refusal::NotInFuture
                    | Refusal::NotAMultiple { .. }
                    | Refusal::OutsideHours
                    | Refusal::ClosedWeekday
                    | Refusal::OutsideSchedule
                    | Refusal::Taken
                    | Refusal::OffGrid { .. },
                ) => None,
            };
            valid_until = [valid_until, change].into_iter().flatten().min();
        }
        DayAnswer { slots, valid_until }
    }

    /// The civil date of the tenant that an instant belongs to, with its hours.
    pub(crate) fn day_of(&self, instant: DateTime<Utc>) -> Day {
        self.day(self.rules.zone.date(instant))
    }

    fn day(&self, date: NaiveDate) -> Day {
        let Rules { zone, hours, .. } = self.rules;
        let ranges = self.schedule.ranges(date.weekday());
        let opening = zone.window_start(date, hours.start());
        let closing = zone.window_end(date, hours.end());
        let clipped = ranges.iter().filter_map(|&(start, end)| {
            let (start, end) = (start.max(hours.start()), end.min(hours.end()));
            if start >= end {
                return None;
            }
            // Clipped again as instants: where the clock goes back over midnight, a time of the
            // evening comes once more after the end of the day.
            let (start, end) = (zone.window_start(date, start), zone.window_end(date, end));
            Span::new(start, end.min(closing))
        });
        let open = Occupancy::from_spans(clipped);
        Day { date, opening, closing, closed: ranges.is_empty(), open }
    }

    /// Every whole slot on the grid between opening and closing.
    fn grid(&self, day: &Day) -> impl Iterator<Item = Span> + use<> {
        let (step, closing) = (self.interval(), day.closing);
        std::iter::successors(Some(day.opening), move |start| start.checked_add_signed(step))
            .map_while(move |start| Span::new(start, start.checked_add_signed(step)?))
            .take_while(move |slot| slot.end() <= closing)
    }

    /// The first `now` at which a slot is not too far ahead.
    fn reachable_from(&self, slot: Span) -> Option<DateTime<Utc>> {
        slot.start().checked_sub_signed(self.advance())
    }

    /// Length of a slot and step of the grid.
    pub(crate) fn interval(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.rules.interval_minutes.max(1)))
    }

    /// How far ahead of now a booking may start.
    pub(crate) fn advance(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.rules.advance_days))
    }
}
