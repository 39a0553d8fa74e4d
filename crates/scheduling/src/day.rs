//! One civil date of a resource as instants, layer by layer.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::{
    calendar::Calendar,
    decide::Refusal,
    exception::{Closure, ClosureKind},
    occupancy::Occupancy,
    span::Span,
    weekly::Range,
    zone::Zone,
};

/// What one civil date of a calendar looks like as instants.
#[derive(Clone, Debug)]
pub struct Day {
    pub(crate) date: NaiveDate,
    /// Opening of the working hours: the origin of the grid.
    opening: DateTime<Utc>,
    /// From the first to the last instant that hours can be open: the working hours, or around the
    /// hours of an override. `None` when the zone skipped them, or when an override closes the date.
    window: Option<Span>,
    /// Why there may be no open hours at all.
    closed: Option<Refusal>,
    /// Layers 1 and 2: sorted, disjoint, inside the window.
    hours: Occupancy,
    /// Layer 3: what is taken away, and why.
    closures: Vec<(Span, ClosureKind, String)>,
    /// Layers 1 to 3.
    open: Occupancy,
}

impl Day {
    pub(crate) fn of(calendar: &Calendar<'_>, date: NaiveDate) -> Self {
        let zone = &calendar.rules.zone;
        let opening = zone.window_start(date, calendar.rules.hours.start());
        let (window, closed, hours) = layer_2(calendar, date).unwrap_or_else(|| {
            let (window, hours) = layer_1(calendar, date, opening);
            let closed = calendar.weekly(date).is_empty().then_some(Refusal::ClosedWeekday);
            (window, closed, hours)
        });
        let closures: Vec<_> = calendar
            .exceptions
            .closures_on(date)
            .flat_map(|closure| closed_spans(zone, date, closure))
            .collect();
        let open = hours.without(closures.iter().map(|(span, ..)| *span));
        Self { date, opening, window, closed, hours, closures, open }
    }

    /// The civil date.
    pub fn date(&self) -> NaiveDate {
        self.date
    }

    /// Layers 1 to 3: when the resource is open.
    pub fn open(&self) -> &Occupancy {
        &self.open
    }

    /// What closures take away of the open hours, and why.
    pub fn closures(&self) -> &[(Span, ClosureKind, String)] {
        &self.closures
    }

    pub(crate) fn window(&self) -> Option<Span> {
        self.window
    }

    /// The first start on the grid at or after an instant.
    pub(crate) fn grid_from(&self, instant: DateTime<Utc>, step: TimeDelta) -> DateTime<Utc> {
        let step = step.num_seconds().max(1);
        let behind = instant.signed_duration_since(self.opening).num_seconds().rem_euclid(step);
        let ahead = if behind == 0 { 0 } else { step - behind };
        instant.checked_add_signed(TimeDelta::seconds(ahead)).unwrap_or(instant)
    }

    /// How long after the opening of the working hours; negative before it.
    pub(crate) fn since_opening(&self, instant: DateTime<Utc>) -> TimeDelta {
        instant.signed_duration_since(self.opening)
    }

    /// Layers 1 to 3 of one span, in their order.
    pub(crate) fn check_open(&self, zone: &Zone, span: &Span) -> Result<(), Refusal> {
        if let Some(closed @ Refusal::ClosedDate { .. }) = &self.closed {
            return Err(closed.clone());
        }
        // The clock may go back over midnight: an instant between opening and closing can belong to
        // the date before.
        let own = zone.date(span.start()) == self.date;
        if !own || !self.window.is_some_and(|window| window.contains(span)) {
            return Err(Refusal::OutsideHours);
        }
        if let Some(closed) = &self.closed {
            return Err(closed.clone());
        }
        if !self.hours.spans().iter().any(|hours| hours.contains(span)) {
            return Err(Refusal::OutsideSchedule);
        }
        match self.closures.iter().find(|(closed, ..)| closed.overlaps(span)) {
            Some((_, kind, reason)) => {
                Err(Refusal::Closure { kind: *kind, reason: reason.clone() })
            }
            None => Ok(()),
        }
    }
}

/// The ranges of the schedule inside the working hours.
fn layer_1(
    calendar: &Calendar<'_>,
    date: NaiveDate,
    opening: DateTime<Utc>,
) -> (Option<Span>, Occupancy) {
    let (zone, hours) = (&calendar.rules.zone, calendar.rules.hours);
    let closing = zone.window_end(date, hours.end());
    let clipped = calendar.weekly(date).iter().filter_map(|&(start, end)| {
        let (start, end) = (start.max(hours.start()), end.min(hours.end()));
        if start >= end {
            return None;
        }
        // Clipped again as instants: where the clock goes back over midnight, a time of the evening
        // comes once more after the end of the day.
        let span = instants(zone, date, (start, end))?;
        Span::new(span.start(), span.end().min(closing))
    });
    (Span::new(opening, closing), Occupancy::from_spans(clipped))
}

/// The hours of the overrides of a date, if it has any. They are not clipped: an override may open
/// when nobody works else.
fn layer_2(
    calendar: &Calendar<'_>,
    date: NaiveDate,
) -> Option<(Option<Span>, Option<Refusal>, Occupancy)> {
    let overrides = calendar.exceptions.overrides_on(date);
    let first = overrides.first()?;
    let zone = &calendar.rules.zone;
    let ranges = overrides.iter().flat_map(|it| &it.ranges);
    let hours: Occupancy = ranges.filter_map(|range| instants(zone, date, *range)).collect();
    let window = match (hours.spans().first(), hours.spans().last()) {
        (Some(first), Some(last)) => Span::new(first.start(), last.end()),
        (Some(_) | None, _) => None,
    };
    let closed = hours.is_free().then(|| Refusal::ClosedDate { reason: first.reason.clone() });
    Some((window, closed, hours))
}

fn closed_spans(
    zone: &Zone,
    date: NaiveDate,
    closure: &Closure,
) -> Vec<(Span, ClosureKind, String)> {
    let spans: Vec<Span> = if closure.ranges.is_empty() {
        zone.day_span(date).into_iter().collect()
    } else {
        closure.ranges.iter().filter_map(|range| instants(zone, date, *range)).collect()
    };
    spans.into_iter().map(|span| (span, closure.kind, closure.reason.clone())).collect()
}

/// A range of the wall clock by the window-edge rules.
fn instants(zone: &Zone, date: NaiveDate, (start, end): Range) -> Option<Span> {
    Span::new(zone.window_start(date, start), zone.window_end(date, end))
}
