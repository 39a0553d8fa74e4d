//! What is taken of one resource, as the index keeps it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU16, Ordering};

use chrono::{DateTime, Utc};
use scheduling::{Calendar, Claim, Day, Load};

/// Not computed yet.
const UNKNOWN: u16 = u16::MAX;

/// What is taken of a resource, and when that was asked.
pub(super) struct Slot {
    /// Bookings.
    load: Load,
    /// Holds, which stop to count.
    holds: Vec<Claim>,
    /// When the booking service was asked, in the order of everything that happens; 0 = never.
    pub(super) ticket: u64,
    /// The same by the clock.
    pub(super) asked: DateTime<Utc>,
    /// By date: the longest stretch that no booking takes, in minutes.
    longest: Vec<AtomicU16>,
}

impl Slot {
    /// Nothing is known of it.
    pub(super) fn unknown() -> Self {
        let (load, asked) = (Load::free(), DateTime::<Utc>::MIN_UTC);
        Self { load, holds: Vec::new(), ticket: 0, asked, longest: Vec::new() }
    }

    /// These are all its claims.
    pub(super) fn new(
        claims: impl IntoIterator<Item = Claim>,
        ticket: u64,
        asked: DateTime<Utc>,
        dates: usize,
    ) -> Self {
        let (holds, bookings): (Vec<Claim>, Vec<Claim>) =
            claims.into_iter().partition(|claim| claim.expires_at.is_some());
        let longest = (0..dates).map(|_| AtomicU16::new(UNKNOWN)).collect();
        Self { load: Load::at(bookings, asked), holds, ticket, asked, longest }
    }

    /// Forgets what it remembers of dates: they are others now.
    pub(super) fn forget_dates(&mut self, dates: usize) {
        self.longest = (0..dates).map(|_| AtomicU16::new(UNKNOWN)).collect();
    }

    /// What counts at `now`.
    pub(super) fn load(&self, now: DateTime<Utc>) -> Cow<'_, Load> {
        let alive = |hold: &&Claim| hold.expires_at.is_some_and(|expiry| expiry > now);
        if !self.holds.iter().any(|hold| alive(&hold)) {
            return Cow::Borrowed(&self.load);
        }
        let mut load = self.load.clone();
        for hold in self.holds.iter().filter(alive) {
            load.add(&hold.span, hold.quantity);
        }
        Cow::Owned(load)
    }

    /// No booking longer than so many minutes fits into the day, whenever it is asked for. Holds are
    /// not counted: they go by themselves.
    pub(super) fn longest(&self, calendar: &Calendar<'_>, day: &Day, place: Option<usize>) -> u32 {
        let Some(kept) = place.and_then(|place| self.longest.get(place)) else {
            return calendar.longest_free(day, &self.load);
        };
        // What is kept is only ever this value: whoever computes it writes the same.
        let known = kept.load(Ordering::Relaxed);
        if known != UNKNOWN {
            return u32::from(known);
        }
        let minutes = calendar.longest_free(day, &self.load);
        kept.store(u16::try_from(minutes).unwrap_or(UNKNOWN).min(UNKNOWN - 1), Ordering::Relaxed);
        minutes
    }

    /// How much it keeps.
    pub(super) fn weight(&self) -> usize {
        self.load.steps().len() + self.holds.len()
    }
}
