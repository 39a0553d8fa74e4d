//! Series: bookings that repeat by a rule, made, moved and cancelled together.

mod cancel;
mod change;
mod expand;
mod motion;
mod place;
mod read;

pub(super) use place::{came_between, coded};

use contracts::series::{SeriesEnded, SeriesMode, ShiftedOccurrence};
use uuid::Uuid;

use crate::joint::RefusedOne;
use crate::store::Booking;

/// How often everything is looked at again when somebody came between.
const ATTEMPTS: u32 = 5;

/// What became of a wish for a series.
pub(crate) struct SeriesOutcome {
    pub(crate) id: Uuid,
    pub(crate) mode: SeriesMode,
    /// The bookings made, or those that would be, by start.
    pub(crate) bookings: Vec<Booking>,
    pub(crate) refused: Vec<RefusedOne>,
    pub(crate) shifted: Vec<ShiftedOccurrence>,
    pub(crate) missing: Vec<String>,
    pub(crate) ended: SeriesEnded,
}

/// What a change of several bookings of a series came to.
pub(crate) struct SeriesChange {
    pub(crate) id: Uuid,
    pub(crate) bookings: Vec<Booking>,
    pub(crate) refused: Vec<RefusedOne>,
}
