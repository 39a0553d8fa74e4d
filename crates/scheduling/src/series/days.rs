//! The civil dates that a rule names, period by period, without a limit of their own.
//!
//! Every BY part is a filter over the days of a period, since a day is the smallest thing a rule can
//! name here. BYSETPOS then picks from what is left of the period.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::{
    MissingDay,
    rule::{ByDay, Freq, Rrule, weekday},
};

/// A day that a rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Day(NaiveDate),
    Missing(MissingDay),
}

/// The days `[first, next)`.
#[derive(Clone, Copy, Debug)]
struct Period {
    first: NaiveDate,
    next: NaiveDate,
}

/// Ascending, from `start` to the end of the period that `last` lies in.
pub(super) fn named(
    rule: &Rrule,
    start: NaiveDate,
    last: NaiveDate,
) -> impl Iterator<Item = Named> {
    let rule = anchored(rule, start);
    let steps = (0_u32..).step_by(usize::from(rule.interval));
    steps
        .map_while({
            let (freq, week_start) = (rule.freq, rule.week_start);
            move |step| period(freq, week_start, start, step)
        })
        .take_while(move |period| period.first <= last)
        .flat_map(move |period| in_period(&rule, period, start))
}

/// The rule with what it leaves to its start filled in.
fn anchored(rule: &Rrule, start: NaiveDate) -> Rrule {
    let mut rule = rule.clone();
    if !rule.by_day.is_empty() || !rule.by_month_day.is_empty() {
        return rule;
    }
    match rule.freq {
        Freq::Daily => {}
        Freq::Weekly => rule.by_day.push(ByDay::every(start)),
        Freq::Monthly => rule.by_month_day.push(small(start.day())),
        Freq::Yearly => {
            rule.by_month_day.push(small(start.day()));
            if rule.by_month.is_empty() {
                rule.by_month.push(small(start.month()));
            }
        }
    }
    rule
}

/// The period that is `step` days, weeks, months or years after that of the start. The week of the
/// start begins with the start: BYSETPOS counts from there, as python-dateutil does.
fn period(freq: Freq, week_start: chrono::Weekday, start: NaiveDate, step: u32) -> Option<Period> {
    let days = |date: NaiveDate, days: u32| date.checked_add_days(Days::new(u64::from(days)));
    let months = |date: NaiveDate, months: u32| date.checked_add_months(Months::new(months));
    let (first, next) = match freq {
        Freq::Daily => {
            let first = days(start, step)?;
            (first, days(first, 1)?)
        }
        Freq::Weekly => {
            let week = start.week(week_start).checked_first_day()?;
            let first = days(week, step.checked_mul(7)?)?;
            (first.max(start), days(first, 7)?)
        }
        Freq::Monthly => {
            let first = months(start.with_day(1)?, step)?;
            (first, months(first, 1)?)
        }
        Freq::Yearly => {
            let first = months(start.with_ordinal(1)?, step.checked_mul(12)?)?;
            (first, months(first, 12)?)
        }
    };
    Some(Period { first, next })
}

fn in_period(rule: &Rrule, period: Period, start: NaiveDate) -> Vec<Named> {
    let all = period.first.iter_days().take_while(|date| *date < period.next);
    let mut days: Vec<_> = all.filter(|date| matches(rule, *date)).collect();
    if !rule.by_set_pos.is_empty() {
        days = picked(&days, &rule.by_set_pos);
    }
    let mut named: Vec<_> = days.into_iter().map(Named::Day).collect();
    named.extend(missing(rule, period).into_iter().map(Named::Missing));
    named.sort_unstable_by_key(Named::key);
    named.retain(|day| day.key() >= MissingDay::from(start));
    named
}

impl Named {
    fn key(&self) -> MissingDay {
        match *self {
            Self::Day(date) => date.into(),
            Self::Missing(day) => day,
        }
    }
}

fn matches(rule: &Rrule, date: NaiveDate) -> bool {
    let Rrule { by_month, by_month_day, by_day, .. } = rule;
    (by_month.is_empty() || by_month.contains(&small(date.month())))
        && (by_month_day.is_empty() || by_month_day.iter().any(|day| is_month_day(date, *day)))
        && (by_day.is_empty() || by_day.iter().any(|day| is_by_day(rule, date, *day)))
}

fn is_month_day(date: NaiveDate, day: i16) -> bool {
    let (front, length) = (small(date.day()), small(u32::from(date.num_days_in_month())));
    day == front || day == front - length - 1
}

/// The nth is counted in the month, unless a yearly rule names no months.
fn is_by_day(rule: &Rrule, date: NaiveDate, day: ByDay) -> bool {
    if day.weekday != weekday(date) {
        return false;
    }
    let Some(nth) = day.nth else { return true };
    let (before, length) = if rule.freq == Freq::Yearly && rule.by_month.is_empty() {
        (date.ordinal0(), if date.leap_year() { 366 } else { 365 })
    } else {
        (date.day0(), u32::from(date.num_days_in_month()))
    };
    let after = length - 1 - before;
    nth == small(before / 7) + 1 || nth == -small(after / 7) - 1
}

fn picked(days: &[NaiveDate], positions: &[i16]) -> Vec<NaiveDate> {
    let place = |position: &i16| {
        let distance = usize::from(position.unsigned_abs());
        if *position > 0 { distance.checked_sub(1) } else { days.len().checked_sub(distance) }
    };
    let mut picked: Vec<_> =
        positions.iter().filter_map(place).filter_map(|place| days.get(place).copied()).collect();
    picked.sort_unstable();
    picked.dedup();
    picked
}

/// Days of the month that the months of the period do not have.
fn missing(rule: &Rrule, period: Period) -> Vec<MissingDay> {
    let by_date = matches!(rule.freq, Freq::Monthly | Freq::Yearly);
    let longest = rule.by_month_day.last().copied().unwrap_or_default();
    if !by_date || longest < 29 || !rule.by_day.is_empty() || !rule.by_set_pos.is_empty() {
        return Vec::new();
    }
    let months = (0_u32..).map_while(|step| period.first.checked_add_months(Months::new(step)));
    let mut missing = Vec::new();
    for month in months.take_while(|month| *month < period.next) {
        if !rule.by_month.is_empty() && !rule.by_month.contains(&small(month.month())) {
            continue;
        }
        let length = small(u32::from(month.num_days_in_month()));
        for day in rule.by_month_day.iter().filter(|day| **day > length) {
            let day = u32::from(day.unsigned_abs());
            missing.push(MissingDay { year: month.year(), month: month.month(), day });
        }
    }
    missing
}

/// A number of days or months of one year.
fn small(number: u32) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}
