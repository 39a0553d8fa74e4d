//! Half-open intervals of instants.

use chrono::{DateTime, Utc};

/// A half-open interval `[start, end)` of instants with `end > start`, by construction.
///
/// Spans order by start, then by end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Span {
    /// `None` unless `end > start`.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Option<Self> {
        (end > start).then_some(Self { start, end })
    }

    /// First instant inside.
    pub fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// First instant after.
    pub fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// Whether the two share an instant. Touching spans do not.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether every instant of `other` is inside `self`.
    pub fn contains(&self, other: &Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Length in whole elapsed minutes, rounded down.
    pub fn minutes(&self) -> i64 {
        (self.end - self.start).num_minutes()
    }

    /// The instants inside both.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }

    /// The smallest span around both, when no instant between them is left out.
    pub(crate) fn join(&self, other: &Self) -> Option<Self> {
        (self.start <= other.end && other.start <= self.end)
            .then(|| Self { start: self.start.min(other.start), end: self.end.max(other.end) })
    }
}
