//! Series: a repeating booking, expanded in civil time.
//!
//! The rule is walked over civil dates; each date gets the wall-clock time of the start, and only
//! then is it converted by [`crate::zone`]. So the wall-clock time is kept over changes of the
//! clock, while the duration is elapsed time. What the clock skips is read with the offset before
//! the gap and reported as a [`Shift`]; what it shows twice means the first (RFC 5545, section
//! 3.3.5).
//!
//! Every walk is bounded: at most [`MAX_OCCURRENCES`] occurrences in [`MAX_MONTHS`] months from the
//! start, also for rules that match nothing.

mod days;
mod expand;
mod moving;
mod parse;
mod rule;

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc};

pub use moving::Move;
pub use rule::Rrule;

use crate::{
    recurrence::Recurrence,
    span::Span,
    zone::{LocalInstant, Zone},
};

/// The most occurrences of one series.
pub const MAX_OCCURRENCES: usize = 400;
/// Every occurrence starts, by its wall clock, less than this many months after the first start.
pub const MAX_MONTHS: u32 = 24;

/// The longest occurrence.
const MAX_DURATION: TimeDelta = TimeDelta::days(366);
/// So that the last month of a series still has a four-digit year.
const LAST_YEAR: i32 = 9_996;

/// How a series repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The `recurring_pattern` of a booking (HTTP contract, section 6).
    ///
    /// The booking's own start is always the first occurrence, also when it is on none of the
    /// `days_of_week` or after `end_date`: it was asked for by itself. The pattern gives those
    /// that follow. Weeks begin on Monday and are counted from the week of the start; without
    /// `days_of_week` the day is that of the start. Daily and monthly patterns do not look at
    /// `days_of_week`.
    Recurrence(Recurrence),
    /// A rule of RFC 5545. A start that does not match it is no occurrence.
    Rrule(Rrule),
}

/// What repeats: a start on the wall clock of a zone, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    start: NaiveDateTime,
    zone: Zone,
    duration: TimeDelta,
}

/// One occurrence of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Its place among the occurrences of the expansion, from 0.
    pub index: usize,
    /// The start as the rule has it, on the wall clock of the zone.
    pub wall: NaiveDateTime,
    /// From when to when.
    pub span: Span,
    /// Set when the clock skips `wall`.
    pub shift: Option<Shift>,
}

/// The clock skips the start of an occurrence, which therefore begins later by the length of the
/// gap (`dst_shifted`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// What the clock shows when the occurrence begins.
    pub to: NaiveDateTime,
}

/// A day that a rule names and that does not exist: the 30th of a February, or a date that the
/// zone skipped (Apia, 2011-12-30). Displayed as `2027-02-30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MissingDay {
    /// Year of the common era.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, 1 to 31.
    pub day: u32,
}

/// Why a series has no further occurrences. A rule without COUNT or UNTIL never ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesEnd {
    /// COUNT occurrences, excluded ones counted.
    Count,
    /// The next would be after UNTIL or `end_date`.
    Until,
    /// [`MAX_OCCURRENCES`] are made.
    Occurrences {
        /// The first one not made.
        next: Occurrence,
    },
    /// [`MAX_MONTHS`] are over.
    Months,
    /// The next starts after the advance window.
    Window {
        /// The first one not made.
        next: Occurrence,
    },
}

/// The occurrences of a series, strictly ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// The occurrences, by time.
    pub occurrences: Vec<Occurrence>,
    /// Days up to the end of the series that do not exist, ascending. Told for rules by the day of
    /// the month without BYDAY or BYSETPOS, which name such a day, and for dates the zone skipped.
    pub missing: Vec<MissingDay>,
    /// Why there are no more.
    pub end: SeriesEnd,
}

impl Series {
    /// `None` unless the duration is positive and at most 366 days, and the year of the start 1970
    /// to 9996.
    pub fn new(start: NaiveDateTime, zone: Zone, duration: TimeDelta) -> Option<Self> {
        let valid = is_duration(duration) && (1970..=LAST_YEAR).contains(&start.year());
        valid.then_some(Self { start, zone, duration })
    }

    /// The occurrences that start at `horizon` or before; `None` looks at no advance window.
    pub fn expand(&self, pattern: &Pattern, horizon: Option<DateTime<Utc>>) -> Expansion {
        match pattern {
            Pattern::Recurrence(recurrence) => {
                expand::expand(self, &Rrule::from(recurrence), horizon, true)
            }
            Pattern::Rrule(rule) => expand::expand(self, rule, horizon, false),
        }
    }
}

impl Occurrence {
    /// The occurrence that starts when the clock of the zone shows `wall`. `None` when the duration
    /// is not positive or the times are out of range.
    pub fn at(zone: &Zone, index: usize, wall: NaiveDateTime, duration: TimeDelta) -> Option<Self> {
        let (start, shift) = match zone.resolve(wall) {
            LocalInstant::Unique(start) | LocalInstant::Overlap { earlier: start, .. } => {
                (start, None)
            }
            LocalInstant::Gap { shifted, .. } => {
                (shifted, Some(Shift { to: zone.local(shifted).naive_local() }))
            }
        };
        let span = Span::new(start, start.checked_add_signed(duration)?)?;
        Some(Self { index, wall, span, shift })
    }
}

impl Shift {
    /// Stable code for the wire.
    pub const CODE: &'static str = "dst_shifted";
}

impl SeriesEnd {
    /// Whether a limit of the platform, and not the rule, ended the series.
    pub fn is_cut(&self) -> bool {
        match self {
            Self::Count | Self::Until => false,
            Self::Occurrences { .. } | Self::Months | Self::Window { .. } => true,
        }
    }
}

impl From<NaiveDate> for MissingDay {
    fn from(date: NaiveDate) -> Self {
        Self { year: date.year(), month: date.month(), day: date.day() }
    }
}

impl fmt::Display for MissingDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn is_duration(duration: TimeDelta) -> bool {
    duration > TimeDelta::zero() && duration <= MAX_DURATION
}
