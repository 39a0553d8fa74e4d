//! The decision about one request: the rules of the HTTP contract, section 6, in its order.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    calendar::{Calendar, Day},
    occupancy::Occupancy,
    span::Span,
};

/// A wish for `[start, end)`, not yet known to be an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// First instant.
    pub start: DateTime<Utc>,
    /// First instant after.
    pub end: DateTime<Utc>,
}

impl From<Span> for Request {
    fn from(span: Span) -> Self {
        Self { start: span.start(), end: span.end() }
    }
}

/// Why a request is refused. The text is the contract's, in pt-BR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Rule a: `end > start` as instants.
    #[error("Horário final deve ser maior que o inicial.")]
    EndBeforeStart,
    /// Rule b: `start > now`.
    #[error("Agendamentos devem ser criados para horários futuros.")]
    NotInFuture,
    /// Rule c: `start <= now + days × 24 h`.
    #[error("Agendamentos só podem ser feitos com até {days} dias de antecedência.")]
    TooFarAhead {
        /// The tenant's limit in days of 24 hours.
        days: u32,
    },
    /// Rule d: the elapsed duration is a multiple of the interval.
    #[error("Duração deve ser múltiplo de {minutes} minutos.")]
    NotAMultiple {
        /// The tenant's interval in minutes.
        minutes: u32,
    },
    /// Rule e: inside the working hours of the local day of the start.
    #[error("Horário fora do expediente configurado.")]
    OutsideHours,
    /// The schedule has no range on that weekday.
    #[error("Recurso indisponível neste dia da semana.")]
    ClosedWeekday,
    /// The schedule has ranges on that weekday, but none around the request.
    #[error("Horário não permitido na disponibilidade do recurso.")]
    OutsideSchedule,
    /// Another active booking overlaps.
    #[error("Recurso já possui reserva neste intervalo")]
    Taken,
    /// Rule f: the start is on the grid of the opening of the working hours.
    #[error("Horário inicial deve respeitar intervalos de {minutes} minutos.")]
    OffGrid {
        /// The tenant's interval in minutes.
        minutes: u32,
    },
}

impl Refusal {
    /// Stable `snake_case` code for the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EndBeforeStart => "end_before_start",
            Self::NotInFuture => "not_in_future",
            Self::TooFarAhead { .. } => "too_far_ahead",
            Self::NotAMultiple { .. } => "duration_not_multiple",
            Self::OutsideHours => "outside_working_hours",
            Self::ClosedWeekday => "closed_weekday",
            Self::OutsideSchedule => "outside_schedule",
            Self::Taken => "conflict",
            Self::OffGrid { .. } => "off_grid",
        }
    }

    /// The contract's literal pt-BR message.
    pub fn message(&self) -> String {
        self.to_string()
    }
}

/// Rules a to e, then the schedule; the first that fails is told.
///
/// `now` is the instant of the decision.
pub fn check_window(
    calendar: &Calendar<'_>,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Span, Refusal> {
    window_on_day(calendar, &calendar.day_of(start), Request { start, end }, now)
}

/// Rule f: the start is the opening of the working hours of its local day plus a multiple of
/// the interval, in elapsed time. Separate, because the contract looks for conflicts before it.
pub fn check_grid(calendar: &Calendar<'_>, span: &Span) -> Result<(), Refusal> {
    grid_on_day(calendar, &calendar.day_of(span.start()), span)
}

/// Decides a request: rules a to e, the schedule, conflicts, rule f; the first failure wins.
pub fn place(
    calendar: &Calendar<'_>,
    taken: &Occupancy,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Span, Refusal> {
    on_day(calendar, &calendar.day_of(start), taken, Request { start, end }, now)
}

/// Whether a booking that starts at `start` may still be cancelled at `now`: always with 0
/// hours, else until `cancellation_hours` elapsed hours before, that instant included.
pub fn can_cancel(start: DateTime<Utc>, cancellation_hours: u32, now: DateTime<Utc>) -> bool {
    cancellation_hours == 0
        || start.signed_duration_since(now) >= TimeDelta::hours(i64::from(cancellation_hours))
}

/// [`place`] for a day whose instants are known: the one function behind slots and bookings.
pub(crate) fn on_day(
    calendar: &Calendar<'_>,
    day: &Day,
    taken: &Occupancy,
    request: Request,
    now: DateTime<Utc>,
) -> Result<Span, Refusal> {
    let span = window_on_day(calendar, day, request, now)?;
    if taken.overlaps(&span) {
        return Err(Refusal::Taken);
    }
    grid_on_day(calendar, day, &span)?;
    Ok(span)
}

fn window_on_day(
    calendar: &Calendar<'_>,
    day: &Day,
    request: Request,
    now: DateTime<Utc>,
) -> Result<Span, Refusal> {
    let Request { start, end } = request;
    let rules = calendar.rules;
    let span = Span::new(start, end).ok_or(Refusal::EndBeforeStart)?;
    if start <= now {
        return Err(Refusal::NotInFuture);
    }
    if start.signed_duration_since(now) > calendar.advance() {
        return Err(Refusal::TooFarAhead { days: rules.advance_days });
    }
    if !is_multiple(end.signed_duration_since(start), calendar.interval()) {
        return Err(Refusal::NotAMultiple { minutes: rules.interval_minutes });
    }
    // The clock may go back over midnight: an instant between opening and closing can belong to
    // the date before.
    let inside = day.opening <= start && end <= day.closing && rules.zone.date(start) == day.date;
    if !inside {
        return Err(Refusal::OutsideHours);
    }
    if day.closed {
        return Err(Refusal::ClosedWeekday);
    }
    if !day.open.spans().iter().any(|open| open.contains(&span)) {
        return Err(Refusal::OutsideSchedule);
    }
    Ok(span)
}

fn grid_on_day(calendar: &Calendar<'_>, day: &Day, span: &Span) -> Result<(), Refusal> {
    let from_opening = span.start().signed_duration_since(day.opening);
    if is_multiple(from_opening, calendar.interval()) {
        Ok(())
    } else {
        Err(Refusal::OffGrid { minutes: calendar.rules.interval_minutes })
    }
}

fn is_multiple(length: TimeDelta, step: TimeDelta) -> bool {
    length.subsec_nanos() == 0 && length.num_seconds() % step.num_seconds() == 0
}
