//! Everything of a tenant that decides about its bookings.

use crate::{clock::ClockTime, zone::Zone};

/// Daily opening hours inside one civil day: `start < end`, by construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkingHours {
    start: ClockTime,
    end: ClockTime,
}

impl WorkingHours {
    /// `None` unless `start < end`.
    pub fn new(start: ClockTime, end: ClockTime) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Opening time, local; the origin of the grid.
    pub fn start(&self) -> ClockTime {
        self.start
    }

    /// Closing time, local; 24:00 allowed.
    pub fn end(&self) -> ClockTime {
        self.end
    }
}

/// The settings of a tenant that decide about bookings.
///
/// The ranges are those of the HTTP contract, section 3; values outside them do not panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Zone in which every day and clock time is judged.
    pub zone: Zone,
    /// Opening hours of every civil day.
    pub hours: WorkingHours,
    /// Length of a slot and step of the grid, in elapsed minutes: 5 to 480. Zero counts as one.
    pub interval_minutes: u32,
    /// How far ahead a booking may start, in days of 24 hours from now: 0 to 365.
    pub advance_days: u32,
    /// Until how many hours before the start a booking may be cancelled: 0 to 168, 0 = always.
    pub cancellation_hours: u32,
}
