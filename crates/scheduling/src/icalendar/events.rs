//! Bookings as events.

use std::collections::BTreeMap;

use calcard::icalendar::{ICalendarProperty, ICalendarStatus, ICalendarTransparency};
use chrono::{DateTime, NaiveDateTime, Utc};

use super::lines::Lines;
use super::{Event, Heading, State};
use crate::zone::{LocalInstant, Zone};

/// A file with one event, to be put into a calendar.
pub fn event(event: &Event) -> String {
    written(None, std::slice::from_ref(event))
}

/// A calendar to subscribe to.
pub fn calendar(heading: &Heading, events: &[Event]) -> String {
    written(Some(heading), events)
}

fn written(heading: Option<&Heading>, events: &[Event]) -> String {
    Lines::calendar(heading, |lines| {
        // Every zone that is named, and what the file needs to know of it.
        let mut zones: BTreeMap<&str, (&Zone, DateTime<Utc>, DateTime<Utc>)> = BTreeMap::new();
        for Event { span, zone, .. } in events.iter().filter(|event| readings(event).is_some()) {
            let (start, end) = (span.start(), span.end());
            let known = zones.entry(zone.name()).or_insert((zone, start, end));
            *known = (zone, known.1.min(start), known.2.max(end));
        }
        for (zone, from, to) in zones.into_values() {
            lines.zone(zone, from, to);
        }
        for event in events {
            lines.block("VEVENT", |lines| write(lines, event));
        }
        if let (Some(Heading { zone, at, .. }), true) = (heading, events.is_empty()) {
            lines.zone(zone, *at, *at);
        }
    })
}

fn write(lines: &mut Lines, event: &Event) {
    let Event { uid, sequence, created, changed, span, zone, summary, description, state } = event;
    lines.text(ICalendarProperty::Uid, uid);
    // Without a METHOD it is when the event was changed last, so that equal files have equal bytes.
    lines.instant(ICalendarProperty::Dtstamp, *changed);
    if let Some((start, end)) = readings(event) {
        lines.local(ICalendarProperty::Dtstart, zone, start);
        lines.local(ICalendarProperty::Dtend, zone, end);
    } else {
        lines.instant(ICalendarProperty::Dtstart, span.start());
        lines.instant(ICalendarProperty::Dtend, span.end());
    }
    lines.text(ICalendarProperty::Summary, summary);
    if !description.is_empty() {
        lines.text(ICalendarProperty::Description, description);
    }
    let (status, shows) = match state {
        State::Tentative => (ICalendarStatus::Tentative, ICalendarTransparency::Opaque),
        State::Confirmed => (ICalendarStatus::Confirmed, ICalendarTransparency::Opaque),
        State::Cancelled => (ICalendarStatus::Cancelled, ICalendarTransparency::Transparent),
    };
    lines.value(ICalendarProperty::Status, status);
    lines.value(ICalendarProperty::Transp, shows);
    lines.value(ICalendarProperty::Sequence, *sequence);
    lines.instant(ICalendarProperty::Created, *created);
    lines.instant(ICalendarProperty::LastModified, *changed);
}

/// Start and end on the zone's clock; `None` where the clock would be read as another instant: a reading
/// that comes twice means the first (RFC 5545, 3.3.5), so the second is told in UTC, and so is all
/// that happens in UTC.
fn readings(event: &Event) -> Option<(NaiveDateTime, NaiveDateTime)> {
    let Event { span, zone, .. } = event;
    let read = |at: DateTime<Utc>| {
        let local = zone.local(at).naive_local();
        let first = match zone.resolve(local) {
            LocalInstant::Unique(instant) | LocalInstant::Overlap { earlier: instant, .. } => {
                instant
            }
            LocalInstant::Gap { shifted, .. } => shifted,
        };
        (first == at).then_some(local)
    };
    if *zone == Zone::utc() {
        return None;
    }
    Some((read(span.start())?, read(span.end())?))
}
