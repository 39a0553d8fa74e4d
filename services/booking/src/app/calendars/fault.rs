//! Why there is no calendar.

use common::http::Problem;
use contracts::text::Text;
use thiserror::Error;

/// Every way a calendar is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum CalendarFault {
    /// Never made, revoked, or its owner may not see it any more: nobody learns which.
    #[error("no such calendar")]
    Unknown,
    #[error("{most} calendars are enough")]
    TooMany { most: u32 },
    #[error("the end is not after the start")]
    Order,
    #[error("no more than {days} days at once")]
    TooLong { days: u32 },
    #[error("begins before today")]
    Past,
    #[error("ends more than {days} days from today")]
    TooFarAhead { days: u32 },
}

impl From<CalendarFault> for Problem {
    fn from(fault: CalendarFault) -> Self {
        let of = |code, template: &'static str, value: u32| {
            Self::rule_of(code, Text::with(template, i64::from(value)), value)
        };
        match fault {
            CalendarFault::Unknown => Self::not_found("Calendário não encontrado"),
            CalendarFault::TooMany { most } => {
                let template = "Limite de {n} calendários por usuário atingido.";
                let text = Text::with(template, i64::from(most));
                Self::conflict_of("too_many_calendars", text).limited(most)
            }
            CalendarFault::Order => Self::rule(
                "end_before_start",
                Text::new("Horário final deve ser maior que o inicial."),
            ),
            CalendarFault::TooLong { days } => {
                of("period_too_long", "Períodos limitados a {n} dias.", days)
            }
            CalendarFault::Past => {
                Self::rule("date_in_past", Text::new("Data deve ser igual ou posterior a hoje."))
            }
            CalendarFault::TooFarAhead { days } => {
                let template = "Consultas de disponibilidade limitadas a {n} dias de antecedência.";
                of("too_far_ahead", template, days)
            }
        }
    }
}
