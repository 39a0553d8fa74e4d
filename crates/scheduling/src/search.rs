//! The first times at which a resource takes a booking: what a search over many resources asks of each.
//!
//! Nothing is decided here. Every answer is a span that [`decide::on_day`] accepts; what is here only
//! knows which starts need not be tried.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    calendar::Calendar,
    day::Day,
    decide::{self, Refusal, Request},
    load::Load,
    span::Span,
};

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The booking lies inside it.
    pub within: Span,
    /// How long it is.
    pub length: TimeDelta,
    /// How many places of a shared resource.
    pub quantity: u32,
}

/// Where the next start worth a try is.
enum Next {
    /// At or after this instant.
    From(DateTime<Utc>),
    /// Nowhere on this day.
    Nowhere,
}

impl Calendar<'_> {
    /// The first start on the grid of a day, not before `from` and before `before`, of a booking that is
    /// as wished and can be made at `now`. It is the first of [`Calendar::fitting`] in those bounds.
    pub fn first_fitting(
        &self,
        day: &Day,
        taken: &Load,
        wish: &Wish,
        (from, before): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Option<Span> {
        let soonest = now.checked_add_signed(self.policy.notice()).unwrap_or(now);
        let from = from.max(wish.within.start()).max(soonest);
        let last = before.min(wish.within.end());
        for open in day.open().spans() {
            if open.end() <= from {
                continue;
            }
            let mut start = day.grid_from(open.start().max(from), self.interval());
            loop {
                let end = start.checked_add_signed(wish.length)?;
                if start >= last || end > wish.within.end() {
                    return None;
                }
                if end > open.end() {
                    break;
                }
                let request = Request { start, end, quantity: wish.quantity };
                match decide::on_day(self, day, taken, request, now) {
                    Ok(span) => return Some(span),
                    Err(refusal) => match self.after_refusal(day, taken, request, &refusal) {
                        Next::From(next) => start = next,
                        Next::Nowhere => return None,
                    },
                }
            }
        }
        None
    }

    /// The first start on the grid of a day's open hours at or after an instant, whatever is taken.
    pub fn first_open(&self, day: &Day, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let starts = day.open().spans().iter().map(|open| {
            let start = day.grid_from(open.start().max(from), self.interval());
            (start, open.end())
        });
        starts.filter(|(start, end)| start < end).map(|(start, _)| start).min()
    }

    /// The longest stretch of a day that is open and has a free place, in whole minutes. No longer
    /// booking fits, whatever its quantity and whenever it is asked for, while nothing is taken away
    /// from `taken`.
    pub fn longest_free(&self, day: &Day, taken: &Load) -> u32 {
        let places = u64::from(self.policy.capacity.places());
        let mut longest = TimeDelta::zero();
        for open in day.open().spans() {
            let mut free_since = Some(open.start());
            let steps = taken.steps();
            let first = steps.partition_point(|(at, _)| *at <= open.start());
            if first > 0 && steps[first - 1].1 >= places {
                free_since = None;
            }
            for (at, used) in steps[first..].iter().take_while(|(at, _)| *at < open.end()) {
                match (free_since, *used >= places) {
                    (Some(since), true) => {
                        longest = longest.max(at.signed_duration_since(since));
                        free_since = None;
                    }
                    (None, false) => free_since = Some(*at),
                    (Some(_), false) | (None, true) => {}
                }
            }
            if let Some(since) = free_since {
                longest = longest.max(open.end().signed_duration_since(since));
            }
        }
        u32::try_from(longest.num_minutes()).unwrap_or(0)
    }

    /// Which starts a refusal rules out together with the one that was refused.
    fn after_refusal(&self, day: &Day, taken: &Load, request: Request, refusal: &Refusal) -> Next {
        let following = || {
            let next = request.start.checked_add_signed(self.interval());
            next.map_or(Next::Nowhere, Next::From)
        };
        match refusal {
            // The same for every start, or only worse for later ones.
            Refusal::EndBeforeStart
            | Refusal::TooFarAhead { .. }
            | Refusal::NotAMultiple { .. }
            | Refusal::TooShort { .. }
            | Refusal::TooLong { .. } => Next::Nowhere,
            Refusal::Taken | Refusal::Full { .. } => match self.free_again(taken, request) {
                Some(free) => {
                    let least = request.start.checked_add_signed(self.interval());
                    let start = least.map_or(free, |least| least.max(free));
                    Next::From(day.grid_from(start, self.interval()))
                }
                None => Next::Nowhere,
            },
            Refusal::NotInFuture
            | Refusal::TooSoon { .. }
            | Refusal::ClosedDate { .. }
            | Refusal::OutsideHours
            | Refusal::ClosedWeekday
            | Refusal::OutsideSchedule
            | Refusal::Closure { .. }
            | Refusal::OffGrid { .. } => following(),
        }
    }

    /// The first start after a refused one whose claim is clear of the last stretch in its way: every
    /// start in between claims a part of that stretch, too. `None`: it never ends.
    fn free_again(&self, taken: &Load, request: Request) -> Option<DateTime<Utc>> {
        let claim = self.policy.claim(Span::new(request.start, request.end)?);
        let places = u64::from(self.policy.capacity.places());
        let needed = u64::from(self.policy.capacity.taken_by(request.quantity));
        let spare = places.checked_sub(needed)?;
        let steps = taken.steps();
        let end = steps.partition_point(|(at, _)| *at < claim.end());
        let full = steps[..end].iter().rev().find(|(_, used)| *used > spare)?;
        let free = taken.free_from(full.0, places, needed)?;
        let before = TimeDelta::minutes(i64::from(self.policy.buffer_before_minutes));
        free.checked_add_signed(before)
    }
}
