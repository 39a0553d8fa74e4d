//! Series: texts of rules, limits, zones, laws, and law 11 against python-dateutil.

mod laws;
mod limits;
mod patterns;
mod reference;
mod rules;
mod texts;
mod zones;

use chrono::{NaiveDateTime, TimeDelta};
use scheduling::{Expansion, Pattern, Recurrence, Rrule, Series, Zone};

use crate::support::{local, zone};

pub(crate) fn rrule(text: &str) -> Pattern {
    Pattern::Rrule(Rrule::parse(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}")))
}

pub(crate) fn recurrence(value: &serde_json::Value) -> Pattern {
    Pattern::Recurrence(Recurrence::parse(value).expect("a pattern"))
}

/// An hour from `start`.
pub(crate) fn series(start: NaiveDateTime, zone: &Zone) -> Series {
    Series::new(start, zone.clone(), TimeDelta::hours(1)).expect("a series")
}

/// Without an advance window.
pub(crate) fn expand(start: &str, zone_name: &str, pattern: &Pattern) -> Expansion {
    series(local(start), &zone(zone_name)).expand(pattern, None)
}

pub(crate) fn walls(expansion: &Expansion) -> Vec<NaiveDateTime> {
    expansion.occurrences.iter().map(|occurrence| occurrence.wall).collect()
}

/// The dates, as text.
pub(crate) fn dates(expansion: &Expansion) -> Vec<String> {
    walls(expansion).iter().map(|wall| wall.date().to_string()).collect()
}

pub(crate) fn missing(expansion: &Expansion) -> Vec<String> {
    expansion.missing.iter().map(ToString::to_string).collect()
}
