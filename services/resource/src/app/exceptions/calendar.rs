//! A calendar file (RFC 5545) as closures: one or a few for each of its events. Pure, and total: what
//! cannot be read is a refusal or a skipped event.

use std::collections::BTreeSet;

use calcard::common::PartialDateTime;
use calcard::icalendar::{
    ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarFrequency,
    ICalendarParameterName, ICalendarParameterValue, ICalendarProperty, ICalendarRecurrenceRule,
    ICalendarStatus, ICalendarValue,
};
use calcard::{Entry, Parser};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _};
use contracts::exception::{SkipReason, SkippedEvent};
use scheduling::Dates;
use scheduling::zone::{LocalInstant, Zone};

/// The most events of a file.
const MOST_EVENTS: usize = 500;
/// How deep components may lie in each other; alarms lie three deep.
const DEPTH: usize = 8;
/// The longest `UID` that is kept.
const LONGEST_UID: usize = 255;
/// The years that dates may be of.
const YEARS: std::ops::RangeInclusive<u16> = 1970..=9999;
/// The longest reason, as of any other exception.
const LONGEST_REASON: usize = 200;

/// What was found in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) events: Vec<Event>,
    /// The `UID`s of events that were cancelled.
    pub(super) gone: Vec<String>,
    pub(super) skipped: Vec<SkippedEvent>,
}

/// An event that closes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Its `UID`; one without is known by its start and summary.
    pub(super) uid: String,
    pub(super) reason: String,
    pub(super) yearly: bool,
    pub(super) parts: Vec<Part>,
}

/// Dates that are closed alike.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) first: NaiveDate,
    pub(super) last: NaiveDate,
    /// The closed hours; `None`: the whole day.
    pub(super) range: Option<String>,
}

/// Why a file says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    NoCalendar,
    Malformed,
    TooMany,
}

impl Calendar {
    /// Reads a file. Times are turned into `zone`, whose wall clock closures are on.
    pub(super) fn read(text: &str, zone: &Zone) -> Result<Self, Unreadable> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if well_formed(text)? > MOST_EVENTS {
            return Err(Unreadable::TooMany);
        }
        let (mut all, mut seen, mut number) = (Self::default(), BTreeSet::new(), 0);
        let mut parser = Parser::new(text);
        loop {
            let components = match parser.entry() {
                Entry::ICalendar(calendar) => calendar.components,
                Entry::Eof => return Ok(all),
                Entry::VCard(_)
                | Entry::InvalidLine(_)
                | Entry::UnexpectedComponentEnd { .. }
                | Entry::UnterminatedComponent(_)
                | Entry::TooManyComponents
                | _ => return Err(Unreadable::Malformed),
            };
            let is_event =
                |it: &&ICalendarComponent| it.component_type == ICalendarComponentType::VEvent;
            for component in components.iter().filter(is_event) {
                number += 1;
                all.take(component, number, zone, &mut seen);
            }
        }
    }

    fn take(
        &mut self,
        component: &ICalendarComponent,
        number: u32,
        zone: &Zone,
        seen: &mut BTreeSet<String>,
    ) {
        let given = text(component, &ICalendarProperty::Uid);
        let mut skip = |reason| {
            let uid = given.clone().filter(|uid| uid.chars().count() <= LONGEST_UID);
            self.skipped.push(SkippedEvent { uid, event: number, reason });
        };
        let event = match event(component, given.as_deref(), zone) {
            Ok(event) => event,
            Err(reason) => return skip(reason),
        };
        if !seen.insert(event.uid.clone()) {
            return skip(SkipReason::Duplicate);
        }
        if is_cancelled(component) {
            skip(SkipReason::Cancelled);
            self.gone.push(event.uid);
        } else {
            self.events.push(event);
        }
    }
}

/// Whether every line is a property and every component ends where it should; how many events there
/// are. The parser itself is forgiving.
fn well_formed(text: &str) -> Result<usize, Unreadable> {
    let (mut open, mut events): (Vec<String>, usize) = (Vec::new(), 0);
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t'])) {
        if line.trim().is_empty() {
            continue;
        }
        let (name, value) = line.split_once(':').ok_or(Unreadable::Malformed)?;
        let value = value.trim().to_ascii_uppercase();
        if name.eq_ignore_ascii_case("BEGIN") {
            if open.is_empty() && value != "VCALENDAR" {
                return Err(Unreadable::NoCalendar);
            }
            events += usize::from(value == "VEVENT");
            open.push(value);
        } else if name.eq_ignore_ascii_case("END") {
            if open.pop() != Some(value) {
                return Err(Unreadable::Malformed);
            }
        } else if open.is_empty() {
            return Err(Unreadable::NoCalendar);
        }
        if open.len() > DEPTH {
            return Err(Unreadable::Malformed);
        }
    }
    let is_something = !text.trim().is_empty();
    if open.is_empty() && is_something { Ok(events) } else { Err(Unreadable::NoCalendar) }
}

fn event(
    component: &ICalendarComponent,
    uid: Option<&str>,
    zone: &Zone,
) -> Result<Event, SkipReason> {
    if uid.is_some_and(|uid| uid.chars().count() > LONGEST_UID) {
        return Err(SkipReason::LongUid);
    }
    let start = entry(component, &ICalendarProperty::Dtstart).ok_or(SkipReason::NoStart)?;
    let start = moment(start, zone)?.ok_or(SkipReason::NoStart)?;
    let parts = parts(start, end(component, start, zone)?)?;
    let yearly = is_yearly(component)?;
    let reason = reason(component);
    let uid = uid.map_or_else(|| format!("{} {reason}", start.at()), ToOwned::to_owned);
    Ok(Event { uid, reason, yearly, parts })
}

/// A start or an end, on the wall clock of the tenant.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Date(NaiveDate),
    At(NaiveDateTime),
}

impl Moment {
    fn at(self) -> NaiveDateTime {
        match self {
            Self::Date(date) => date.into(),
            Self::At(at) => at,
        }
    }
}

fn end(
    component: &ICalendarComponent,
    start: Moment,
    zone: &Zone,
) -> Result<NaiveDateTime, SkipReason> {
    if let Some(end) = entry(component, &ICalendarProperty::Dtend) {
        return moment(end, zone)?.map(Moment::at).ok_or(SkipReason::NoLength);
    }
    let duration = entry(component, &ICalendarProperty::Duration);
    let length = match duration.and_then(|entry| entry.values.first()) {
        Some(ICalendarValue::Duration(given)) if !given.neg => {
            let days = i64::from(given.weeks) * 7 + i64::from(given.days);
            let seconds = i64::from(given.hours) * 3_600
                + i64::from(given.minutes) * 60
                + i64::from(given.seconds);
            TimeDelta::try_days(days).zip(TimeDelta::try_seconds(seconds))
        }
        Some(_) => None,
        // A date without an end is that day.
        None => match start {
            Moment::Date(_) => Some((TimeDelta::days(1), TimeDelta::zero())),
            Moment::At(_) => None,
        },
    };
    let (days, seconds) = length.ok_or(SkipReason::NoLength)?;
    let end = start.at().checked_add_signed(days);
    end.and_then(|end| end.checked_add_signed(seconds)).ok_or(SkipReason::TooLong)
}

/// The dates from a start to an end: part of the first, whole ones, part of the last.
fn parts(start: Moment, end: NaiveDateTime) -> Result<Vec<Part>, SkipReason> {
    let start = start.at();
    if end <= start {
        return Err(SkipReason::NoLength);
    }
    let midnight = |at: NaiveDateTime| at.time() == NaiveTime::MIN;
    let (mut first, mut last) = (start.date(), end.date());
    let day_before = |date: NaiveDate| date.pred_opt().ok_or(SkipReason::NoStart);
    let until = if midnight(end) {
        last = day_before(last)?;
        "24:00".to_owned()
    } else {
        clock(end.time())
    };
    // One that reads as an exception can be stored as one.
    Dates::new(first, last, false).ok_or(SkipReason::TooLong)?;
    if first == last {
        let whole = midnight(start) && midnight(end);
        let range = (!whole).then(|| format!("{}-{until}", clock(start.time())));
        return Ok(vec![Part { first, last, range }]);
    }
    let mut parts = Vec::new();
    if !midnight(start) {
        let range = Some(format!("{}-24:00", clock(start.time())));
        parts.push(Part { first, last: first, range });
        first = first.succ_opt().ok_or(SkipReason::TooLong)?;
    }
    let tail =
        (!midnight(end)).then(|| Part { first: last, last, range: Some(format!("00:00-{until}")) });
    if tail.is_some() {
        last = day_before(last)?;
    }
    if first <= last {
        parts.push(Part { first, last, range: None });
    }
    parts.extend(tail);
    Ok(parts)
}

fn clock(time: NaiveTime) -> String {
    let format = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    time.format(format).to_string()
}

/// `None`: it does not read.
fn moment(entry: &ICalendarEntry, zone: &Zone) -> Result<Option<Moment>, SkipReason> {
    let Some(ICalendarValue::PartialDateTime(given)) = entry.values.first() else {
        return Ok(None);
    };
    let Some(date) = date(given) else { return Ok(None) };
    let Some(hour) = given.hour else { return Ok(Some(Moment::Date(date))) };
    let (minute, second) = (given.minute.unwrap_or(0), given.second.unwrap_or(0));
    let time = NaiveTime::from_hms_opt(hour.into(), minute.into(), second.into());
    let Some(local) = time.map(|time| date.and_time(time)) else { return Ok(None) };
    Ok(Some(Moment::At(on_the_wall(local, given, entry, zone)?)))
}

fn date(given: &PartialDateTime) -> Option<NaiveDate> {
    let (year, month, day) = (given.year?, given.month?, given.day?);
    NaiveDate::from_ymd_opt(year.into(), month.into(), day.into()).filter(|_| YEARS.contains(&year))
}

/// A local time of wherever it is of, on the wall clock of `zone`.
fn on_the_wall(
    local: NaiveDateTime,
    given: &PartialDateTime,
    entry: &ICalendarEntry,
    zone: &Zone,
) -> Result<NaiveDateTime, SkipReason> {
    let instant = if let Some(hours) = given.tz_hour {
        let minutes = i64::from(hours) * 60 + i64::from(given.tz_minute.unwrap_or(0));
        let offset = TimeDelta::minutes(if given.tz_minus { -minutes } else { minutes });
        local.checked_sub_signed(offset).ok_or(SkipReason::NoStart)?.and_utc()
    } else if let Some(name) = zone_of(entry) {
        let theirs = Zone::parse(name).map_err(|_| SkipReason::UnknownZone)?;
        match theirs.resolve(local) {
            LocalInstant::Unique(instant)
            | LocalInstant::Gap { transition: instant, .. }
            | LocalInstant::Overlap { earlier: instant, .. } => instant,
        }
    } else {
        return Ok(local);
    };
    Ok(zone.local(instant).naive_local())
}

fn zone_of(entry: &ICalendarEntry) -> Option<&str> {
    let named = entry.params.iter().find(|it| it.name == ICalendarParameterName::Tzid)?;
    let ICalendarParameterValue::Text(name) = &named.value else {
        // No name of a zone.
        return Some("");
    };
    Some(name)
}

/// Whether it comes every year; an error if it comes again in another way.
fn is_yearly(component: &ICalendarComponent) -> Result<bool, SkipReason> {
    let has = |name: &ICalendarProperty| entry(component, name).is_some();
    let more =
        [ICalendarProperty::Rdate, ICalendarProperty::Exdate, ICalendarProperty::RecurrenceId];
    if more.iter().any(has) {
        return Err(SkipReason::Recurrence);
    }
    let rules: Vec<_> =
        component.entries.iter().filter(|it| it.name == ICalendarProperty::Rrule).collect();
    match rules.as_slice() {
        [] => Ok(false),
        [rule] => match rule.values.as_slice() {
            [ICalendarValue::RecurrenceRule(rule)] if is_plain(rule) => Ok(true),
            _ => Err(SkipReason::Recurrence),
        },
        _ => Err(SkipReason::Recurrence),
    }
}

/// `FREQ=YEARLY` and nothing that changes its meaning.
fn is_plain(rule: &ICalendarRecurrenceRule) -> bool {
    let every = ICalendarRecurrenceRule {
        freq: ICalendarFrequency::Yearly,
        interval: rule.interval.filter(|every| *every == 1),
        wkst: rule.wkst,
        ..ICalendarRecurrenceRule::default()
    };
    *rule == every
}

fn is_cancelled(component: &ICalendarComponent) -> bool {
    let status = entry(component, &ICalendarProperty::Status);
    status.is_some_and(|it| {
        matches!(it.values.first(), Some(ICalendarValue::Status(ICalendarStatus::Cancelled)))
    })
}

fn entry<'a>(
    component: &'a ICalendarComponent,
    name: &ICalendarProperty,
) -> Option<&'a ICalendarEntry> {
    component.entries.iter().find(|entry| entry.name == *name)
}

fn text(component: &ICalendarComponent, name: &ICalendarProperty) -> Option<String> {
    let ICalendarValue::Text(text) = entry(component, name)?.values.first()? else { return None };
    let clean: String = text.chars().filter(|letter| !letter.is_control()).collect();
    (!clean.trim().is_empty()).then(|| clean.trim().to_owned())
}

/// The summary, cut to what a reason may have.
fn reason(component: &ICalendarComponent) -> String {
    let summary = text(component, &ICalendarProperty::Summary).unwrap_or_default();
    summary.chars().take(LONGEST_REASON).collect()
}

#[cfg(test)]
mod tests;
