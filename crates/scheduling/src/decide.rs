//! The decision about one request: the rules of the HTTP contract, section 6, in its order.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{calendar::Calendar, day::Day, exception::ClosureKind, load::Load, span::Span};

/// A wish for `[start, end)`, not yet known to be an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// First instant.
    pub start: DateTime<Utc>,
    /// First instant after.
    pub end: DateTime<Utc>,
    /// How many places of a shared resource.
    pub quantity: u32,
}

impl From<Span> for Request {
    fn from(span: Span) -> Self {
        Self { start: span.start(), end: span.end(), quantity: 1 }
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
    /// The policy asks for more notice.
    #[error("Agendamentos exigem antecedência mínima de {minutes} minutos.")]
    TooSoon {
        /// The notice asked for, in minutes.
        minutes: u32,
    },
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
    /// The policy asks for a longer booking.
    #[error("Duração mínima de {minutes} minutos.")]
    TooShort {
        /// The least length in minutes.
        minutes: u32,
    },
    /// The policy asks for a shorter booking.
    #[error("Duração máxima de {minutes} minutos.")]
    TooLong {
        /// The greatest length in minutes.
        minutes: u32,
    },
    /// A date override closes the date.
    #[error("Recurso fechado nesta data.")]
    ClosedDate {
        /// Why, for people; may be empty.
        reason: String,
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
    /// A holiday, maintenance or another closure takes the time away.
    #[error("Recurso fechado neste período.")]
    Closure {
        /// What kind of closure.
        kind: ClosureKind,
        /// Why, for people; may be empty.
        reason: String,
    },
    /// Another active booking overlaps.
    #[error("Recurso já possui reserva neste intervalo")]
    Taken,
    /// A shared resource has fewer places left than wanted.
    #[error("Capacidade insuficiente neste horário: vagas restantes: {remaining}.")]
    Full {
        /// Places left during the whole of the time.
        remaining: u32,
    },
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
            Self::TooSoon { .. } => "too_soon",
            Self::TooFarAhead { .. } => "too_far_ahead",
            Self::NotAMultiple { .. } => "duration_not_multiple",
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::ClosedDate { .. } => "closed_date",
            Self::OutsideHours => "outside_working_hours",
            Self::ClosedWeekday => "closed_weekday",
            Self::OutsideSchedule => "outside_schedule",
            Self::Closure { .. } => "closure",
            Self::Taken => "conflict",
            Self::Full { .. } => "capacity_exceeded",
            Self::OffGrid { .. } => "off_grid",
        }
    }

    /// The contract's literal pt-BR message.
    pub fn message(&self) -> String {
        self.to_string()
    }
}

/// Everything but conflicts and rule f: rules a to e with the policy's notice and lengths among them,
/// then the schedule, date overrides and closures; the first that fails is told.
///
/// `now` is the instant of the decision.
pub fn check_window(
    calendar: &Calendar<'_>,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Span, Refusal> {
    window_on_day(calendar, &calendar.day_of(start), start, end, now)
}

/// Rule f: the start is the opening of the working hours of its local day plus a multiple of
/// the interval, in elapsed time. Separate, because the contract looks for conflicts before it.
pub fn check_grid(calendar: &Calendar<'_>, span: &Span) -> Result<(), Refusal> {
    grid_on_day(calendar, &calendar.day_of(span.start()), span)
}

/// Whether the places that a booking would take are free.
pub fn check_free(
    calendar: &Calendar<'_>,
    taken: &Load,
    span: Span,
    quantity: u32,
) -> Result<(), Refusal> {
    let capacity = calendar.policy.capacity;
    let remaining = calendar.places_left(taken, span);
    if capacity.taken_by(quantity) <= remaining {
        Ok(())
    } else if capacity.is_shared() {
        Err(Refusal::Full { remaining })
    } else {
        Err(Refusal::Taken)
    }
}

/// Decides a request for one place: rules a to e, the schedule, conflicts, rule f; the first failure
/// wins.
pub fn place(
    calendar: &Calendar<'_>,
    taken: &Load,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Span, Refusal> {
    decide(calendar, taken, Request { start, end, quantity: 1 }, now)
}

/// As [`place`], for as many places as the request wants.
pub fn decide(
    calendar: &Calendar<'_>,
    taken: &Load,
    request: Request,
    now: DateTime<Utc>,
) -> Result<Span, Refusal> {
    on_day(calendar, &calendar.day_of(request.start), taken, request, now)
}

/// Whether a booking that starts at `start` may still be cancelled at `now`: always with 0
/// hours, else until `cancellation_hours` elapsed hours before, that instant included.
pub fn can_cancel(start: DateTime<Utc>, cancellation_hours: u32, now: DateTime<Utc>) -> bool {
    cancellation_hours == 0
        || start.signed_duration_since(now) >= TimeDelta::hours(i64::from(cancellation_hours))
}

/// [`decide`] for a day whose instants are known: the one function behind slots, bookings and search.
pub fn on_day(
    calendar: &Calendar<'_>,
    day: &Day,
    taken: &Load,
    request: Request,
    now: DateTime<Utc>,
) -> Result<Span, Refusal> {
    let span = window_on_day(calendar, day, request.start, request.end, now)?;
    check_free(calendar, taken, span, request.quantity)?;
    grid_on_day(calendar, day, &span)?;
    Ok(span)
}

/// The rules of time that hold for a booking whenever it is made: its length, the open hours, the grid.
///
/// Not asked again of one that stands: notice and reach, which were right when it was made, and whether
/// the place is free, since it is the booking that takes it.
pub fn check_standing(calendar: &Calendar<'_>, day: &Day, span: &Span) -> Result<(), Refusal> {
    check_length(calendar, span)?;
    day.check_open(&calendar.rules.zone, span)?;
    grid_on_day(calendar, day, span)
}

fn window_on_day(
    calendar: &Calendar<'_>,
    day: &Day,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Span, Refusal> {
    let span = Span::new(start, end).ok_or(Refusal::EndBeforeStart)?;
    check_notice(calendar, start, now)?;
    check_length(calendar, &span)?;
    day.check_open(&calendar.rules.zone, &span)?;
    Ok(span)
}

/// Rules b and c: not too soon, not too far ahead.
fn check_notice(
    calendar: &Calendar<'_>,
    start: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let ahead = start.signed_duration_since(now);
    if ahead <= TimeDelta::zero() {
        return Err(Refusal::NotInFuture);
    }
    if ahead < calendar.policy.notice() {
        return Err(Refusal::TooSoon { minutes: calendar.policy.min_notice_minutes });
    }
    if ahead > calendar.advance() {
        return Err(Refusal::TooFarAhead { days: calendar.rules.advance_days });
    }
    Ok(())
}

/// Rule d, and the shortest and longest of the policy.
fn check_length(calendar: &Calendar<'_>, span: &Span) -> Result<(), Refusal> {
    let length = span.end().signed_duration_since(span.start());
    if !is_multiple(length, calendar.interval()) {
        return Err(Refusal::NotAMultiple { minutes: calendar.rules.interval_minutes });
    }
    let of = |minutes: u32| TimeDelta::minutes(i64::from(minutes));
    let policy = calendar.policy;
    if let Some(minutes) = policy.min_duration_minutes.filter(|least| length < of(*least)) {
        return Err(Refusal::TooShort { minutes });
    }
    match policy.max_duration_minutes.filter(|most| length > of(*most)) {
        Some(minutes) => Err(Refusal::TooLong { minutes }),
        None => Ok(()),
    }
}

fn grid_on_day(calendar: &Calendar<'_>, day: &Day, span: &Span) -> Result<(), Refusal> {
    if is_multiple(day.since_opening(span.start()), calendar.interval()) {
        Ok(())
    } else {
        Err(Refusal::OffGrid { minutes: calendar.rules.interval_minutes })
    }
}

fn is_multiple(length: TimeDelta, step: TimeDelta) -> bool {
    length.subsec_nanos() == 0 && length.num_seconds() % step.num_seconds() == 0
}
