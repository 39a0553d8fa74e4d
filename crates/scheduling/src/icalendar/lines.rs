//! Lines of a calendar file. `calcard` escapes and folds them; what is no text is taken out before.

use calcard::common::{CalendarScale, PartialDateTime};
use calcard::icalendar::{
    ICalendarDuration, ICalendarEntry, ICalendarParameter, ICalendarParameterName,
    ICalendarProperty, ICalendarValue, ICalendarValueType,
};
use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDateTime, Timelike as _, Utc};

use super::Heading;
use crate::zone::{Observance, Zone};

/// Who wrote the file.
const PRODUCT: &str = "-//Marca//Marca//PT";
/// How often a subscriber is to ask again.
const REFRESH_HOURS: u32 = 1;

/// A file under way.
pub(super) struct Lines(String);

impl Lines {
    /// A whole calendar.
    pub(super) fn calendar(heading: Option<&Heading>, inside: impl FnOnce(&mut Self)) -> String {
        let mut lines = Self(String::new());
        lines.block("VCALENDAR", |lines| {
            lines.text(ICalendarProperty::Version, "2.0");
            lines.text(ICalendarProperty::Prodid, PRODUCT);
            let scale = ICalendarValue::CalendarScale(CalendarScale::Gregorian);
            lines.value(ICalendarProperty::Calscale, scale);
            if let Some(Heading { name, .. }) = heading {
                lines.text(ICalendarProperty::Name, name);
                lines.text(ICalendarProperty::Other("X-WR-CALNAME".to_owned()), name);
                let duration = ICalendarParameter::new(
                    ICalendarParameterName::Value,
                    ICalendarValueType::Duration,
                );
                let hours = ICalendarDuration { hours: REFRESH_HOURS, ..Default::default() };
                let refresh = ICalendarEntry::new(ICalendarProperty::RefreshInterval);
                lines.entry(&refresh.with_param(duration).with_value(hours));
                let ttl = format!("PT{REFRESH_HOURS}H");
                lines.text(ICalendarProperty::Other("X-PUBLISHED-TTL".to_owned()), &ttl);
            }
            inside(lines);
        });
        lines.0
    }

    /// A component.
    pub(super) fn block(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.boundary("BEGIN", name);
        inside(self);
        self.boundary("END", name);
    }

    fn boundary(&mut self, word: &str, name: &str) {
        for part in [word, ":", name, "\r\n"] {
            self.0.push_str(part);
        }
    }

    /// A property of words.
    pub(super) fn text(&mut self, name: ICalendarProperty, text: &str) {
        self.value(name, clean(text));
    }

    /// A property with a value.
    pub(super) fn value(&mut self, name: ICalendarProperty, value: impl Into<ICalendarValue>) {
        self.entry(&ICalendarEntry::new(name).with_value(value));
    }

    /// A property whole.
    pub(super) fn entry(&mut self, entry: &ICalendarEntry) {
        // A string takes everything.
        let _ = entry.write_to(&mut self.0);
    }

    /// An instant in UTC.
    pub(super) fn instant(&mut self, name: ICalendarProperty, at: DateTime<Utc>) {
        self.value(name, utc(at));
    }

    /// A reading of a zone's clock.
    pub(super) fn local(&mut self, name: ICalendarProperty, zone: &Zone, at: NaiveDateTime) {
        let zone = zone.name().to_owned();
        let zone = ICalendarParameter::new(ICalendarParameterName::Tzid, zone);
        self.entry(&ICalendarEntry::new(name).with_param(zone).with_value(reading(at)));
    }

    /// How a zone's clock is set from one instant to another.
    pub(super) fn zone(&mut self, zone: &Zone, from: DateTime<Utc>, to: DateTime<Utc>) {
        self.block("VTIMEZONE", |lines| {
            lines.text(ICalendarProperty::Tzid, zone.name());
            for observance in zone.observances(from, to) {
                let Observance { onset, before, offset, name, daylight } = observance;
                lines.block(if daylight { "DAYLIGHT" } else { "STANDARD" }, |lines| {
                    lines.value(ICalendarProperty::Dtstart, reading(onset));
                    lines.value(ICalendarProperty::Tzoffsetfrom, shift(before));
                    lines.value(ICalendarProperty::Tzoffsetto, shift(offset));
                    lines.text(ICalendarProperty::Tzname, &name);
                });
            }
        });
    }
}

/// An instant, as calendars write it.
pub(super) fn utc(at: DateTime<Utc>) -> PartialDateTime {
    PartialDateTime { tz_hour: Some(0), tz_minute: Some(0), ..reading(at.naive_utc()) }
}

fn reading(at: NaiveDateTime) -> PartialDateTime {
    let small = |number: u32| u8::try_from(number).ok();
    PartialDateTime {
        year: u16::try_from(at.year()).ok(),
        month: small(at.month()),
        day: small(at.day()),
        hour: small(at.hour()),
        minute: small(at.minute()),
        second: small(at.second()),
        tz_hour: None,
        tz_minute: None,
        tz_minus: false,
    }
}

fn shift(offset: FixedOffset) -> PartialDateTime {
    let seconds = offset.local_minus_utc();
    let minutes = seconds.unsigned_abs() / 60;
    PartialDateTime {
        tz_hour: u8::try_from(minutes / 60).ok(),
        tz_minute: u8::try_from(minutes % 60).ok(),
        tz_minus: seconds < 0,
        ..PartialDateTime::default()
    }
}

/// One kind of line break, and nothing that a calendar could not hold.
fn clean(text: &str) -> String {
    let broken = text.replace("\r\n", "\n").replace('\r', "\n");
    broken.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}
