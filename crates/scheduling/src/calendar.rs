//! Open time and slots of one resource.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use crate::{
    day::Day,
    decide::{self, Refusal, Request},
    exception::Exceptions,
    load::Load,
    policy::Policy,
    rules::Rules,
    span::Span,
    weekly::Weekly,
};

/// One resource's time: the rules of its tenant, its own weekly schedule, the days that are not like
/// the others, and what is asked of its bookings.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    /// The tenant's rules.
    pub rules: &'a Rules,
    /// The resource's schedule; its ranges count only inside the tenant's working hours.
    pub schedule: &'a Weekly,
    /// Date overrides and closures of the tenant, the category and the resource.
    pub exceptions: &'a Exceptions,
    /// Notice, length, buffers, capacity.
    pub policy: &'a Policy,
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

/// What is to be said of one slot of the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The slot.
    pub slot: Span,
    /// Why it cannot be booked; `None`: it can.
    pub refusal: Option<Refusal>,
}

impl<'a> Calendar<'a> {
    /// A calendar without exceptions and without a policy.
    pub fn new(rules: &'a Rules, schedule: &'a Weekly) -> Self {
        Self { rules, schedule, exceptions: Exceptions::NONE, policy: Policy::OPEN }
    }

    /// Layers 1 to 3, the open time of a civil date: the hours of an override, else the ranges of the
    /// schedule clipped to the working hours; minus every closure. As instants by the window-edge
    /// rules of [`crate::zone::Zone`], sorted and disjoint. Empty on a closed or skipped date.
    pub fn open(&self, date: NaiveDate) -> Vec<Span> {
        self.day(date).open().spans().to_vec()
    }

    /// The slots of a civil date that [`decide::place`] accepts at `now`, ascending.
    ///
    /// A slot is [`Calendar::slot_length`] long and starts at the opening of the working hours plus a
    /// multiple of `interval_minutes` in elapsed minutes.
    pub fn slots(&self, date: NaiveDate, taken: &Load, now: DateTime<Utc>) -> Vec<Span> {
        self.slots_with_expiry(date, taken, now).slots
    }

    /// As [`Calendar::slots`], and until when the answer holds while only `now` moves: until the
    /// first listed slot comes too close, another one comes within reach of `advance_days`, or a hold
    /// expires.
    pub fn slots_with_expiry(
        &self,
        date: NaiveDate,
        taken: &Load,
        now: DateTime<Utc>,
    ) -> DayAnswer {
        let day = self.day(date);
        let (mut slots, mut valid_until) = (Vec::new(), taken.next_expiry());
        for slot in self.grid(&day) {
            let request = Request::from(slot);
            let change = match decide::on_day(self, &day, taken, request, now) {
                Ok(span) => {
                    slots.push(span);
                    span.start().checked_sub_signed(self.policy.notice())
                }
                Err(Refusal::TooFarAhead { .. }) => self
                    .reachable_from(slot)
                    .filter(|&then| decide::on_day(self, &day, taken, request, then).is_ok()),
                Err(_) => None,
            };
            valid_until = [valid_until, change].into_iter().flatten().min();
        }
        DayAnswer { slots, valid_until }
    }

    /// Every slot of the grid of a civil date, with the reason of those that cannot be booked.
    pub fn verdicts(&self, date: NaiveDate, taken: &Load, now: DateTime<Utc>) -> Vec<Verdict> {
        let day = self.day(date);
        let judge = |slot| {
            let refusal = decide::on_day(self, &day, taken, Request::from(slot), now).err();
            Verdict { slot, refusal }
        };
        self.grid(&day).map(judge).collect()
    }

    /// How many places are free during the whole of `span`; `None` where bookings do not share.
    pub fn remaining(&self, taken: &Load, span: Span) -> Option<u32> {
        let shared = self.policy.capacity.is_shared();
        shared.then(|| self.places_left(taken, span))
    }

    /// Places free during the whole claim of a booking of `span`.
    pub(crate) fn places_left(&self, taken: &Load, span: Span) -> u32 {
        let places = u64::from(self.policy.capacity.places());
        let free = places.saturating_sub(taken.peak(&self.policy.claim(span)));
        u32::try_from(free).unwrap_or(u32::MAX)
    }

    /// A civil date with its hours. Those who look at one date often keep it.
    pub fn day(&self, date: NaiveDate) -> Day {
        Day::of(self, date)
    }

    /// The civil date of the tenant that an instant belongs to, with its hours.
    pub fn day_of(&self, instant: DateTime<Utc>) -> Day {
        self.day(self.rules.zone.date(instant))
    }

    /// Every whole slot on the grid inside the window of a day.
    pub(crate) fn grid(&self, day: &Day) -> impl Iterator<Item = Span> + use<> {
        let (step, length, window) = (self.interval(), self.slot_length(), day.window());
        let first = window.map(|window| day.grid_from(window.start(), step));
        std::iter::successors(first, move |start| start.checked_add_signed(step))
            .map_while(move |start| Span::new(start, start.checked_add_signed(length)?))
            .take_while(move |slot| window.is_some_and(|window| slot.end() <= window.end()))
    }

    /// The first `now` at which a slot is not too far ahead.
    fn reachable_from(&self, slot: Span) -> Option<DateTime<Utc>> {
        slot.start().checked_sub_signed(self.advance())
    }

    /// Length of a slot: the shortest that can be booked, the interval unless the policy asks for more.
    pub fn slot_length(&self) -> TimeDelta {
        let interval = self.rules.interval_minutes.max(1);
        let least = self.policy.min_duration_minutes.unwrap_or(interval).max(interval);
        TimeDelta::minutes(i64::from(least.div_ceil(interval)) * i64::from(interval))
    }

    /// Step of the grid; a length is a multiple of it.
    pub fn interval(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.rules.interval_minutes.max(1)))
    }

    /// How far ahead of now a booking may start.
    pub(crate) fn advance(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.rules.advance_days))
    }

    /// The ranges of the schedule of a date, clipped to the working hours.
    pub(crate) fn weekly(&self, date: NaiveDate) -> &[crate::weekly::Range] {
        self.schedule.ranges(date.weekday())
    }
}
