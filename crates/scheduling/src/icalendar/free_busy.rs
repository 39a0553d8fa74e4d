//! When something is taken, and nothing else.

use calcard::icalendar::{
    ICalendarEntry, ICalendarFreeBusyType, ICalendarParameter, ICalendarParameterName,
    ICalendarPeriod, ICalendarProperty, ICalendarValue,
};
use chrono::{DateTime, Utc};

use super::lines::{Lines, utc};
use crate::{occupancy::Occupancy, span::Span};

/// The taken time of a stretch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeBusy {
    /// Names what it is about.
    pub uid: String,
    /// When it was found out.
    pub at: DateTime<Utc>,
    /// The stretch it is about.
    pub span: Span,
    /// Taken.
    pub busy: Occupancy,
    /// Not taken, and not to be had either.
    pub unavailable: Occupancy,
}

/// A file with one `VFREEBUSY`, all in UTC.
pub fn free_busy(found: &FreeBusy) -> String {
    let FreeBusy { uid, at, span, busy, unavailable } = found;
    Lines::calendar(None, |lines| {
        lines.block("VFREEBUSY", |lines| {
            lines.text(ICalendarProperty::Uid, uid);
            lines.instant(ICalendarProperty::Dtstamp, *at);
            lines.instant(ICalendarProperty::Dtstart, span.start());
            lines.instant(ICalendarProperty::Dtend, span.end());
            periods(lines, ICalendarFreeBusyType::Busy, busy);
            periods(lines, ICalendarFreeBusyType::BusyUnavailable, unavailable);
        });
    })
}

fn periods(lines: &mut Lines, kind: ICalendarFreeBusyType, taken: &Occupancy) {
    if taken.is_free() {
        return;
    }
    let period = |span: &Span| {
        ICalendarValue::Period(ICalendarPeriod::Range {
            start: utc(span.start()),
            end: utc(span.end()),
        })
    };
    let kind = ICalendarParameter::new(ICalendarParameterName::Fbtype, kind);
    let periods = taken.spans().iter().map(period).collect();
    let entry = ICalendarEntry::new(ICalendarProperty::Freebusy);
    lines.entry(&entry.with_param(kind).with_values(periods));
}
