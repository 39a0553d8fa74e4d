//! Edits of a series: what one occurrence does, the others do as well.

use chrono::{NaiveDateTime, TimeDelta};

use super::{Occurrence, is_duration};
use crate::zone::Zone;

/// A change of one occurrence of a series, to be made to others: so many civil days and so much
/// time on the clock earlier or later, and a new duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    zone: Zone,
    /// On the wall clock, where every day has 24 hours.
    by: TimeDelta,
    duration: TimeDelta,
}

impl Move {
    /// The change of an occurrence from one start on the wall clock to another, and to an elapsed
    /// duration. `None` unless the duration is positive and at most 366 days.
    pub fn new(
        zone: Zone,
        from: NaiveDateTime,
        to: NaiveDateTime,
        duration: TimeDelta,
    ) -> Option<Self> {
        is_duration(duration).then(|| Self { zone, by: to.signed_duration_since(from), duration })
    }

    /// How far on the wall clock.
    pub fn by(&self) -> TimeDelta {
        self.by
    }

    /// The occurrence whose start on the wall clock was `wall`, moved: its clock keeps to the
    /// series over a change, whatever that does to the instants. `None` when out of range.
    pub fn apply(&self, index: usize, wall: NaiveDateTime) -> Option<Occurrence> {
        Occurrence::at(&self.zone, index, wall.checked_add_signed(self.by)?, self.duration)
    }
}
