//! The pure rules of Marca: time zones and daylight saving, working hours, weekly schedules,
//! slots, and the decision about one booking request.
//!
//! Nothing here is async, does IO or reads a clock: `now` is always an argument. (One exception:
//! [`zone`] reads the version of the system time zone database once.) Instants are
//! `DateTime<Utc>`; a civil date or clock time means the zone of the tenant's [`Rules`]. Every
//! interval is half-open, `[start, end)`, so touching intervals never conflict.
//!
//! One function decides for the slot list and for a booking request, so that a listed slot can
//! be booked and what can be booked on the grid is listed: [`Calendar::slots`] and
//! [`decide::place`].

pub mod calendar;
pub mod clock;
pub mod day;
pub mod decide;
pub mod exception;
pub mod explain;
pub mod fault;
pub mod icalendar;
pub mod load;
pub mod number;
pub mod occupancy;
pub mod policy;
pub mod recurrence;
pub mod rules;
pub mod search;
pub mod series;
pub mod span;
pub mod wall;
pub mod weekly;
pub mod what_if;
pub mod zone;

pub use calendar::{Calendar, DayAnswer, Verdict};
pub use clock::ClockTime;
pub use day::Day;
pub use decide::{
    Refusal, Request, can_cancel, check_free, check_grid, check_window, decide, place,
};
pub use exception::{Closure, ClosureKind, DateOverride, Dates, Exceptions, Level};
pub use explain::{Explanation, Layer};
pub use fault::ScheduleFault;
pub use load::{Claim, Load};
pub use occupancy::Occupancy;
pub use policy::{Capacity, Limit, Period, Policy, Quota};
pub use recurrence::{Frequency, Recurrence};
pub use rules::{Rules, WorkingHours};
pub use search::Wish;
pub use series::{
    Expansion, MissingDay, Move, Occurrence, Pattern, Rrule, Series, SeriesEnd, Shift,
};
pub use span::Span;
pub use wall::{NonexistentLocalTime, TimeInput};
pub use weekly::Weekly;
pub use what_if::{Fate, Filled, SlotChange, WhatIf};
pub use zone::{LocalInstant, Observance, UnknownZone, Zone, tzdb_version};
