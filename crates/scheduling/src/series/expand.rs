//! From the dates of a rule to occurrences: COUNT, UNTIL, EXDATE and the limits of the platform.

use chrono::{DateTime, Months, NaiveDate, NaiveDateTime, Utc};

use super::{
    Expansion, MAX_MONTHS, MAX_OCCURRENCES, MissingDay, Occurrence, Series, SeriesEnd,
    days::{self, Named},
    rule::{Bound, Moment, Rrule},
};

struct Walk<'a> {
    series: &'a Series,
    rule: &'a Rrule,
    horizon: Option<DateTime<Utc>>,
    /// Occurrences start before this.
    limit: NaiveDateTime,
    /// Occurrences of the rule, excluded ones too.
    counted: u16,
    made: Vec<Occurrence>,
    missing: Vec<MissingDay>,
}

/// `start_first`: the start is an occurrence whatever the rule says.
pub(super) fn expand(
    series: &Series,
    rule: &Rrule,
    horizon: Option<DateTime<Utc>>,
    start_first: bool,
) -> Expansion {
    let limit = series.start.checked_add_months(Months::new(MAX_MONTHS)).unwrap_or(series.start);
    let (made, missing) = (Vec::new(), Vec::new());
    let mut walk = Walk { series, rule, horizon, limit, counted: 0, made, missing };
    let end = walk.run(start_first);
    Expansion { occurrences: walk.made, missing: walk.missing, end }
}

impl Walk<'_> {
    fn run(&mut self, start_first: bool) -> SeriesEnd {
        let start = self.series.start;
        if start_first
            && let Some(first) = self.at(start)
            && let Some(end) = self.take(first)
        {
            return end;
        }
        let last_missing = self.last_missing();
        let over = self.over();
        for named in days::named(self.rule, start.date(), self.limit.date()) {
            let date = match named {
                Named::Day(date) => date,
                Named::Missing(day) => {
                    if day <= last_missing && self.made.len() < MAX_OCCURRENCES {
                        self.missing.push(day);
                    }
                    continue;
                }
            };
            if start_first && date == start.date() {
                continue;
            }
            // Out of range only with a start that `Series::new` refuses.
            let Some(next) = self.at(date.and_time(start.time())) else { break };
            if next.wall >= self.limit || self.is_after_until(&next) {
                return over;
            }
            if let Some(end) = self.take(next) {
                return end;
            }
        }
        over
    }

    fn at(&self, wall: NaiveDateTime) -> Option<Occurrence> {
        Occurrence::at(&self.series.zone, self.made.len(), wall, self.series.duration)
    }

    /// What ends the series when nothing else does: the earlier of UNTIL and the last month.
    fn over(&self) -> SeriesEnd {
        let until = self.at(self.limit).is_some_and(|limit| self.is_after_until(&limit));
        if until { SeriesEnd::Until } else { SeriesEnd::Months }
    }

    fn is_after_until(&self, next: &Occurrence) -> bool {
        match self.rule.bound {
            Bound::Never | Bound::Count(_) => false,
            Bound::Until(Moment::Date(date)) => next.wall.date() > date,
            Bound::Until(Moment::Local(wall)) => next.wall > wall,
            Bound::Until(Moment::Instant(instant)) => next.span.start() > instant,
        }
    }

    /// Makes the occurrence, unless it is excluded or on a date that the zone skips. Tells when
    /// there is nothing after it, or when it is one too many itself.
    fn take(&mut self, next: Occurrence) -> Option<SeriesEnd> {
        let date = next.wall.date();
        // Read with the offset before the gap it would be at the time of another date. RFC 5545
        // does not count dates that do not exist.
        if next.shift.is_some() && self.series.zone.day_span(date).is_none() {
            self.missing.push(date.into());
            return None;
        }
        self.counted += 1;
        if !self.is_excluded(&next) {
            if self.horizon.is_some_and(|horizon| next.span.start() > horizon) {
                return Some(SeriesEnd::Window { next });
            }
            if self.made.len() >= MAX_OCCURRENCES {
                return Some(SeriesEnd::Occurrences { next });
            }
            self.made.push(next);
        }
        (self.rule.bound == Bound::Count(self.counted)).then_some(SeriesEnd::Count)
    }

    fn is_excluded(&self, next: &Occurrence) -> bool {
        self.rule.excluded.iter().any(|moment| match *moment {
            Moment::Date(date) => next.wall.date() == date,
            Moment::Local(wall) => next.wall == wall,
            Moment::Instant(instant) => next.span.start() == instant,
        })
    }

    /// No later day is reported as missing: the series has ended by then.
    fn last_missing(&self) -> MissingDay {
        let zone = &self.series.zone;
        let until: Option<NaiveDate> = match self.rule.bound {
            Bound::Never | Bound::Count(_) => None,
            Bound::Until(Moment::Date(date)) => Some(date),
            Bound::Until(Moment::Local(wall)) => Some(wall.date()),
            Bound::Until(Moment::Instant(instant)) => Some(zone.date(instant)),
        };
        let window = self.horizon.map(|horizon| zone.date(horizon));
        let last = [until, window].into_iter().flatten().fold(self.limit.date(), NaiveDate::min);
        last.into()
    }
}
