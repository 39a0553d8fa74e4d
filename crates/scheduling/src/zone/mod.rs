//! Time zones: the only place where civil times and instants are converted.
//!
//! Names are those of the IANA database as chrono-tz lists them; the tables are jiff's, because
//! those of chrono-tz are years behind (see docs/ARCHITECTURE, "Time zones"). Gaps and overlaps
//! are explicit variants of [`LocalInstant`]. Years 1 to 9999 are supported; outside them the
//! offset of the nearest supported year is used.

mod database;
mod observance;

use std::{fmt, str::FromStr, sync::Arc};

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, Timelike, Utc};
use jiff::{
    Timestamp, civil,
    tz::{AmbiguousOffset, Offset, TimeZone},
};

use crate::{clock::ClockTime, span::Span};

pub use observance::Observance;

/// The name is not an IANA time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Fuso horário desconhecido: {name}")]
pub struct UnknownZone {
    /// The name as given.
    pub name: String,
}

/// What a local time means in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalInstant {
    /// The clock shows it once.
    Unique(DateTime<Utc>),
    /// The clock jumps over it.
    Gap {
        /// The instant of the jump.
        transition: DateTime<Utc>,
        /// The local time read with the offset before the jump (RFC 5545): 02:30 → 03:30.
        shifted: DateTime<Utc>,
    },
    /// The clock shows it twice.
    Overlap {
        /// The first time, with the offset before the clock goes back.
        earlier: DateTime<Utc>,
        /// The second time.
        later: DateTime<Utc>,
    },
}

/// An IANA time zone with its rules already looked up; cheap to clone.
#[derive(Clone)]
pub struct Zone(Arc<Inner>);

struct Inner {
    name: &'static str,
    rules: TimeZone,
}

impl Zone {
    /// Reads an IANA name, case-sensitively: `America/Sao_Paulo`, `UTC`, `Etc/GMT+3`.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        let unknown = || UnknownZone { name: name.to_owned() };
        let name = chrono_tz::Tz::from_str(name).map_err(|_| unknown())?.name();
        let rules = database::time_zone(name).ok_or_else(unknown)?;
        Ok(Self(Arc::new(Inner { name, rules })))
    }

    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(Arc::new(Inner { name: chrono_tz::Tz::UTC.name(), rules: TimeZone::UTC }))
    }

    /// The IANA name as given; aliases keep their own name.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// What a local time means here. Total: every local time has an answer.
    pub fn resolve(&self, local: NaiveDateTime) -> LocalInstant {
        match self.0.rules.to_ambiguous_timestamp(civil(local)).offset() {
            AmbiguousOffset::Unambiguous { offset } => LocalInstant::Unique(read(local, offset)),
            AmbiguousOffset::Gap { before, after } => LocalInstant::Gap {
                transition: self.transition(local, before, after),
                shifted: read(local, before),
            },
            AmbiguousOffset::Fold { before, after } => {
                LocalInstant::Overlap { earlier: read(local, before), later: read(local, after) }
            }
        }
    }

    /// Start of a window: in a gap the transition instant, in an overlap the earlier instant.
    /// 24:00 is the start of the next civil date.
    pub fn window_start(&self, date: NaiveDate, at: ClockTime) -> DateTime<Utc> {
        match self.resolve(wall(date, at)) {
            LocalInstant::Unique(instant)
            | LocalInstant::Gap { transition: instant, .. }
            | LocalInstant::Overlap { earlier: instant, .. } => instant,
        }
    }

    /// End of a window: in a gap the transition instant, in an overlap the later instant.
    ///
    /// 24:00 is the start of the next civil date and so, when that date has two midnights, the
    /// *first*: no window reaches into the next date.
    pub fn window_end(&self, date: NaiveDate, at: ClockTime) -> DateTime<Utc> {
        if at == ClockTime::END_OF_DAY {
            return self.window_start(date, at);
        }
        match self.resolve(wall(date, at)) {
            LocalInstant::Unique(instant)
            | LocalInstant::Gap { transition: instant, .. }
            | LocalInstant::Overlap { later: instant, .. } => instant,
        }
    }

    /// Midnight of a civil date: its first existing instant. For a skipped date, the transition.
    pub fn day_start(&self, date: NaiveDate) -> DateTime<Utc> {
        self.window_start(date, ClockTime::MIDNIGHT)
    }

    /// From midnight to midnight. `None` for a date that the zone skipped (Apia, 2011-12-30).
    pub fn day_span(&self, date: NaiveDate) -> Option<Span> {
        Span::new(self.day_start(date), self.window_start(date, ClockTime::END_OF_DAY))
    }

    /// The instant with the offset that holds here.
    pub fn local(&self, instant: DateTime<Utc>) -> DateTime<FixedOffset> {
        instant.with_timezone(&self.offset(instant))
    }

    /// The civil date that the clock shows here at the instant.
    pub fn date(&self, instant: DateTime<Utc>) -> NaiveDate {
        let utc = instant.naive_utc();
        utc.checked_add_offset(self.offset(instant)).unwrap_or(utc).date()
    }

    fn offset(&self, instant: DateTime<Utc>) -> FixedOffset {
        fixed(self.0.rules.to_offset(timestamp(instant)))
    }

    /// The jump of the gap that `local` lies in. It comes after `local` read with the later
    /// offset and not after `local` read with the earlier one.
    fn transition(&self, local: NaiveDateTime, before: Offset, after: Offset) -> DateTime<Utc> {
        let latest = read(local, before);
        self.0
            .rules
            .following(timestamp(read(local, after)))
            .take_while(|change| change.timestamp() <= timestamp(latest))
            .find(|change| change.offset() == after)
            .and_then(|change| DateTime::from_timestamp_secs(change.timestamp().as_second()))
            .unwrap_or(latest)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.name()).finish()
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The time zone database in use: `bundled 2026e`, or `system 2026f` when the system's is newer.
pub fn tzdb_version() -> String {
    database::version()
}

/// The wall clock reading `at` of `date`; 24:00 is 00:00 of the next date.
fn wall(date: NaiveDate, at: ClockTime) -> NaiveDateTime {
    if at == ClockTime::END_OF_DAY {
        return date.checked_add_days(Days::new(1)).unwrap_or(date).into();
    }
    let midnight = NaiveDateTime::from(date);
    midnight.checked_add_signed(at.since_midnight()).unwrap_or(midnight)
}

fn fixed(offset: Offset) -> FixedOffset {
    FixedOffset::east_opt(offset.seconds()).unwrap_or_else(|| chrono::Offset::fix(&Utc))
}

fn read(local: NaiveDateTime, offset: Offset) -> DateTime<Utc> {
    local.checked_sub_offset(fixed(offset)).unwrap_or(local).and_utc()
}

fn timestamp(instant: DateTime<Utc>) -> Timestamp {
    let nearest = if instant.year() < 1 { Timestamp::MIN } else { Timestamp::MAX };
    let nanosecond = i32::try_from(instant.timestamp_subsec_nanos()).unwrap_or(0);
    Timestamp::new(instant.timestamp(), nanosecond).unwrap_or(nearest)
}

fn civil(local: NaiveDateTime) -> civil::DateTime {
    let nearest = if local.year() < 1 { civil::DateTime::MIN } else { civil::DateTime::MAX };
    let Ok(year) = i16::try_from(local.year()) else { return nearest };
    let small = |field: u32| i8::try_from(field).unwrap_or(0);
    civil::DateTime::new(
        year,
        small(local.month()),
        small(local.day()),
        small(local.hour()),
        small(local.minute()),
        small(local.second()),
        i32::try_from(local.nanosecond()).unwrap_or(0).min(999_999_999),
    )
    .unwrap_or(nearest)
}
