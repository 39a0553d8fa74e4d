//! What a business asks of bookings beyond its hours: notice, length, room between them, approval,
//! limits for each person.

use chrono::TimeDelta;

use crate::span::Span;

/// How many bookings a resource takes at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Capacity {
    /// One, whatever its quantity.
    #[default]
    Exclusive,
    /// As many as their quantities fit into so many places.
    Shared(u32),
}

impl Capacity {
    /// Places in all.
    pub fn places(self) -> u32 {
        match self {
            Self::Exclusive => 1,
            Self::Shared(places) => places,
        }
    }

    /// Places that a booking of `quantity` takes.
    pub fn taken_by(self, quantity: u32) -> u32 {
        match self {
            Self::Exclusive => 1,
            Self::Shared(_) => quantity,
        }
    }

    /// Whether bookings share the resource.
    pub fn is_shared(self) -> bool {
        matches!(self, Self::Shared(_))
    }
}

/// The period in which a person's bookings are counted. Days, weeks (from Monday) and months are the
/// tenant's civil ones; a booking belongs to the one it starts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// A civil day.
    Day,
    /// Monday to Sunday.
    Week,
    /// A civil month.
    Month,
    /// Every booking that is not over.
    Open,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quota {
    /// So many bookings.
    Bookings(u32),
    /// Bookings of so many minutes together.
    Minutes(u32),
}

/// The most one person may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Limit {
    /// Counted over this.
    pub period: Period,
    /// At most this much.
    pub quota: Quota,
}

/// What holds for one resource, after its own, its category's and its tenant's policies are laid over
/// one another. The default asks nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether and how far bookings share the resource.
    pub capacity: Capacity,
    /// A booking starts at least so many minutes from now.
    pub min_notice_minutes: u32,
    /// A booking is at least so long.
    pub min_duration_minutes: Option<u32>,
    /// A booking is at most so long.
    pub max_duration_minutes: Option<u32>,
    /// Room kept free before a booking.
    pub buffer_before_minutes: u32,
    /// Room kept free after a booking.
    pub buffer_after_minutes: u32,
}

impl Policy {
    /// Asks nothing.
    pub const OPEN: &'static Self = &Self {
        capacity: Capacity::Exclusive,
        min_notice_minutes: 0,
        min_duration_minutes: None,
        max_duration_minutes: None,
        buffer_before_minutes: 0,
        buffer_after_minutes: 0,
    };

    /// What a booking of `span` takes: with the room before and after it.
    pub fn claim(&self, span: Span) -> Span {
        let minutes = |count: u32| TimeDelta::minutes(i64::from(count));
        let start = span.start().checked_sub_signed(minutes(self.buffer_before_minutes));
        let end = span.end().checked_add_signed(minutes(self.buffer_after_minutes));
        Span::new(start.unwrap_or(span.start()), end.unwrap_or(span.end())).unwrap_or(span)
    }

    /// How long before its start a booking must be made.
    pub fn notice(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.min_notice_minutes))
    }
}
