//! Calendar files: their bytes, and that programs of others read in them what was written.

mod files;
mod reference;

use scheduling::Span;
use scheduling::icalendar::{Event, State};

use crate::support::{instant, zone};

/// An event of an hour or so, by a zone's clock.
fn event(zone_name: &str, start: &str, end: &str) -> Event {
    Event {
        uid: format!("{start}@marca"),
        sequence: 3,
        created: instant("2026-01-02T03:04Z"),
        changed: instant("2026-02-03T04:05Z"),
        span: Span::new(instant(start), instant(end)).expect("a length"),
        zone: zone(zone_name),
        summary: "Aula".to_owned(),
        description: String::new(),
        state: State::Confirmed,
    }
}
