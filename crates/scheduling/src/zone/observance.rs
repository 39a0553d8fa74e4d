//! The stretches in which a zone keeps one offset, as calendar files tell them (RFC 5545, 3.6.5).

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use jiff::tz::Dst;

use super::{Zone, fixed, timestamp};

/// A stretch in which a zone keeps one offset from UTC. It lasts until the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observance {
    /// When it begins, by the clock as it was set until then. The first day of 1970 where the tables
    /// know of no beginning.
    pub onset: NaiveDateTime,
    /// The offset until then.
    pub before: FixedOffset,
    /// The offset from then on.
    pub offset: FixedOffset,
    /// What it is called: `-03`, `CEST`.
    pub name: String,
    /// Whether it is summer time.
    pub daylight: bool,
}

impl Zone {
    /// The observances from the one in force at `from` to the last that begins by `to`, in order.
    pub fn observances(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Observance> {
        let mut all = vec![self.in_force(from)];
        let rest = self.0.rules.following(timestamp(from));
        for change in rest.take_while(|change| change.timestamp() <= timestamp(to)) {
            let at = instant(change.timestamp());
            let next = Observance {
                name: change.abbreviation().to_owned(),
                daylight: is_summer(change.dst()),
                ..self.beginning(at, fixed(change.offset()))
            };
            let same = |last: &Observance| {
                (last.offset, &last.name, last.daylight) == (next.offset, &next.name, next.daylight)
            };
            if !all.last().is_some_and(same) {
                all.push(next);
            }
        }
        all
    }

    /// The observance that holds at an instant.
    fn in_force(&self, at: DateTime<Utc>) -> Observance {
        let info = self.0.rules.to_offset_info(timestamp(at));
        let (name, daylight) = (info.abbreviation().to_owned(), is_summer(info.dst()));
        let offset = fixed(info.offset());
        let just_after = at.checked_add_signed(TimeDelta::seconds(1)).unwrap_or(at);
        let begun = self.0.rules.preceding(timestamp(just_after)).next();
        let known = begun.map(|change| self.beginning(instant(change.timestamp()), offset));
        // Files tell offsets in minutes. Before a zone's first standard time it had the sun's.
        let known = known.filter(|it| it.before.local_minus_utc() % 60 == 0);
        let onset = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap_or_default().into();
        let always = Observance { onset, before: offset, offset, name: String::new(), daylight };
        Observance { name, daylight, ..known.unwrap_or(always) }
    }

    fn beginning(&self, at: DateTime<Utc>, offset: FixedOffset) -> Observance {
        let just_before = at.checked_sub_signed(TimeDelta::seconds(1)).unwrap_or(at);
        let before = self.offset(just_before);
        let onset = at.naive_utc().checked_add_offset(before).unwrap_or(at.naive_utc());
        Observance { onset, before, offset, name: String::new(), daylight: false }
    }
}

fn is_summer(dst: Dst) -> bool {
    match dst {
        Dst::Yes => true,
        Dst::No => false,
    }
}

fn instant(at: jiff::Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_secs(at.as_second()).unwrap_or_default()
}
