//! A rule of RFC 5545 in the parts that are supported.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc, Weekday};

use super::parse;
use crate::{
    fault::ScheduleFault,
    recurrence::{Frequency, Recurrence},
};

/// A repeat rule of RFC 5545, section 3.3.10, with the dates left out of it.
///
/// Supported: FREQ (DAILY, WEEKLY, MONTHLY, YEARLY), INTERVAL, COUNT or UNTIL, BYDAY, BYMONTHDAY,
/// BYMONTH, BYSETPOS, WKST, and EXDATE. Lists are sorted and unique, so that rules which differ only
/// in the order of a list are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rrule {
    pub(super) freq: Freq,
    /// 1 to 400.
    pub(super) interval: u16,
    pub(super) bound: Bound,
    pub(super) by_day: Vec<ByDay>,
    /// ±1 to ±31; negative ones count from the end of the month.
    pub(super) by_month_day: Vec<i16>,
    /// 1 to 12.
    pub(super) by_month: Vec<i16>,
    /// ±1 to ±366.
    pub(super) by_set_pos: Vec<i16>,
    pub(super) week_start: Weekday,
    pub(super) excluded: Vec<Moment>,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freq {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// Where the rule itself ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Never,
    /// So many occurrences, excluded ones counted: 1 to 400.
    Count(u16),
    /// The last start allowed.
    Until(Moment),
}

/// A day of the week, or the nth of its kind in the month or year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ByDay {
    /// 0 = Monday.
    pub(super) weekday: u8,
    /// ±1 to ±53; negative ones count from the end.
    pub(super) nth: Option<i16>,
}

/// A time in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    /// A whole civil date.
    Date(NaiveDate),
    /// A time on the wall clock of the series.
    Local(NaiveDateTime),
    /// Written with Z.
    Instant(DateTime<Utc>),
}

impl Rrule {
    /// Reads `FREQ=…;…`, with or without `RRULE:` before it, and lines `EXDATE:…`: at most 2,000
    /// characters. Names and values may be in lower case, and lines may be folded.
    ///
    /// - UNTIL as a date includes that whole civil date, as a local time it is on the wall clock of
    ///   the series; with Z it is an instant. The same three are allowed for EXDATE, where a date
    ///   needs `VALUE=DATE`.
    /// - COUNT includes occurrences that EXDATE leaves out.
    /// - What RFC 5545 excludes is refused: BYDAY with numbers under DAILY and WEEKLY, BYMONTHDAY
    ///   under WEEKLY, BYSETPOS without another BY part, COUNT with UNTIL.
    ///
    /// # Errors
    /// Every fault, with the name of the part as its path: `BYDAY[1]`, `EXDATE[0]`.
    pub fn parse(text: &str) -> Result<Self, Vec<ScheduleFault>> {
        parse::rrule(text)
    }
}

impl From<&Recurrence> for Rrule {
    fn from(recurrence: &Recurrence) -> Self {
        let (freq, days) = match recurrence.frequency() {
            Frequency::Daily => (Freq::Daily, None),
            Frequency::Weekly => (Freq::Weekly, recurrence.days_of_week()),
            Frequency::Monthly => (Freq::Monthly, None),
        };
        let until = recurrence.end_date().map(Moment::Date);
        let by_day = days.unwrap_or_default().iter();
        Self {
            freq,
            interval: u16::from(recurrence.interval()),
            bound: until.map_or(Bound::Never, Bound::Until),
            by_day: by_day.map(|&weekday| ByDay { weekday, nth: None }).collect(),
            by_month_day: Vec::new(),
            by_month: Vec::new(),
            by_set_pos: Vec::new(),
            week_start: Weekday::Mon,
            excluded: Vec::new(),
        }
    }
}

impl ByDay {
    /// Every such day of the week.
    pub(super) fn every(date: NaiveDate) -> Self {
        Self { weekday: weekday(date), nth: None }
    }
}

/// 0 = Monday.
pub(super) fn weekday(date: NaiveDate) -> u8 {
    u8::try_from(date.weekday().num_days_from_monday()).unwrap_or_default()
}
