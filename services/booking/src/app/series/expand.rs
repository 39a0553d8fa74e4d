//! From a wish to the occurrences of its rule.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use contracts::booking::PlaceBooking;
use contracts::series::SeriesRule;
use scheduling::{Expansion, LocalInstant, Refusal, Series, SeriesEnd, Span, TimeInput, Zone};

use common::providers::TenantRules;

use crate::error::Error;
use crate::joint::Joint;

/// The longest occurrence that can be expanded; no working day is longer.
const LONGEST: TimeDelta = TimeDelta::days(366);

/// A rule's occurrences, and what they begin with.
#[derive(Debug)]
pub(super) struct Expanded {
    /// What the clock shows at the first start.
    pub(super) wall: NaiveDateTime,
    pub(super) duration: TimeDelta,
    pub(super) expansion: Expansion,
}

/// The occurrences of a rule inside the advance window.
pub(super) fn expand(
    request: &PlaceBooking,
    rule: &SeriesRule,
    rules: &TenantRules,
    now: DateTime<Utc>,
) -> Result<Expanded, Error> {
    let zone = &rules.rules.zone;
    let days = rules.rules.advance_days;
    let (wall, start) = on_the_wall(&request.start_time, zone);
    let duration = on_the_wall(&request.end_time, zone).1 - start;
    if duration <= TimeDelta::zero() {
        return Err(Error::Refused(Refusal::EndBeforeStart));
    }
    if duration > LONGEST {
        return Err(Error::Refused(Refusal::OutsideHours));
    }
    let too_far = || Error::Refused(Refusal::TooFarAhead { days });
    let series = Series::new(wall, zone.clone(), duration).ok_or_else(too_far)?;
    let pattern = rule.pattern().ok_or(Joint::Empty)?;
    let horizon = now + TimeDelta::days(i64::from(days));
    let mut expansion = series.expand(&pattern, Some(horizon));
    if let TimeInput::Instant(start) = request.start_time {
        // An offset that was given wins, in the second of two equal hours too.
        for occurrence in expansion.occurrences.iter_mut().filter(|it| it.wall == wall) {
            occurrence.span = Span::new(start, start + duration).unwrap_or(occurrence.span);
        }
    }
    if expansion.occurrences.is_empty() {
        return Err(match expansion.end {
            SeriesEnd::Window { .. } => too_far(),
            SeriesEnd::Count
            | SeriesEnd::Until
            | SeriesEnd::Occurrences { .. }
            | SeriesEnd::Months => Joint::Empty.into(),
        });
    }
    Ok(Expanded { wall, duration, expansion })
}

/// A time as the clock shows it, and the instant it means in a series: what the clock skips is read
/// with the offset before the gap.
fn on_the_wall(time: &TimeInput, zone: &Zone) -> (NaiveDateTime, DateTime<Utc>) {
    match *time {
        TimeInput::Instant(instant) => (zone.local(instant).naive_local(), instant),
        TimeInput::Local(wall) => match zone.resolve(wall) {
            LocalInstant::Unique(instant)
            | LocalInstant::Overlap { earlier: instant, .. }
            | LocalInstant::Gap { shifted: instant, .. } => (wall, instant),
        },
    }
}
