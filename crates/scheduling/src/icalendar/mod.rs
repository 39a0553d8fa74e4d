//! Calendar files (RFC 5545), written: bookings as events, taken time as free/busy.
//!
//! A file with equal content has equal bytes. Times are those of the zone's clock, and the file says
//! how that clock is set in exactly the years it is about ([`Zone::observances`]); a program that knows
//! the zone by its name comes to the same.

mod events;
mod free_busy;
mod lines;

use chrono::{DateTime, Utc};

use crate::{span::Span, zone::Zone};

pub use events::{calendar, event};
pub use free_busy::{FreeBusy, free_busy};

/// A booking as a calendar shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Names it for ever.
    pub uid: String,
    /// Grows with every change.
    pub sequence: i64,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was changed last.
    pub changed: DateTime<Utc>,
    /// From when to when.
    pub span: Span,
    /// Whose clock it is told by.
    pub zone: Zone,
    /// Its title.
    pub summary: String,
    /// More about it, line by line; nothing if empty.
    pub description: String,
    /// How sure it is.
    pub state: State,
}

/// How sure an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Somebody has yet to agree.
    Tentative,
    /// It takes place, or took place.
    Confirmed,
    /// It does not take place. It stays in the file, or programs would keep what they know of it.
    Cancelled,
}

/// A calendar that is asked for again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// What it is called.
    pub name: String,
    /// The zone that an empty calendar describes: none may be empty altogether.
    pub zone: Zone,
    /// When it is asked for.
    pub at: DateTime<Utc>,
}
