//! The wording of refusals by the pure rules.

use scheduling::Refusal;

use super::Text;

impl Text {
    /// Why the rules refuse a time.
    pub fn refusal(refusal: &Refusal) -> Self {
        let of = |template: &'static str, number: u32| Self::with(template, i64::from(number));
        match *refusal {
            Refusal::EndBeforeStart => Self::new("Horário final deve ser maior que o inicial."),
            Refusal::NotInFuture => {
                Self::new("Agendamentos devem ser criados para horários futuros.")
            }
            Refusal::TooSoon { minutes } => {
                of("Agendamentos exigem antecedência mínima de {n} minutos.", minutes)
            }
            Refusal::TooFarAhead { days } => {
                of("Agendamentos só podem ser feitos com até {n} dias de antecedência.", days)
            }
            Refusal::NotAMultiple { minutes } => {
                of("Duração deve ser múltiplo de {n} minutos.", minutes)
            }
            Refusal::TooShort { minutes } => of("Duração mínima de {n} minutos.", minutes),
            Refusal::TooLong { minutes } => of("Duração máxima de {n} minutos.", minutes),
            Refusal::OutsideHours => Self::new("Horário fora do expediente configurado."),
            Refusal::ClosedWeekday => Self::new("Recurso indisponível neste dia da semana."),
            Refusal::ClosedDate { .. } => Self::new("Recurso fechado nesta data."),
            Refusal::OutsideSchedule => {
                Self::new("Horário não permitido na disponibilidade do recurso.")
            }
            Refusal::Closure { .. } => Self::new("Recurso fechado neste período."),
            Refusal::OffGrid { minutes } => {
                of("Horário inicial deve respeitar intervalos de {n} minutos.", minutes)
            }
            Refusal::Taken => Self::new("Recurso já possui reserva neste intervalo"),
            Refusal::Full { remaining } => {
                of("Capacidade insuficiente neste horário: vagas restantes: {n}.", remaining)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use scheduling::{ClosureKind, Refusal};

    use crate::text::{Language, Text};

    #[test]
    fn every_refusal_is_said_in_every_language_and_as_the_rules_word_it() {
        let reason = String::new;
        for refusal in [
            Refusal::EndBeforeStart,
            Refusal::NotInFuture,
            Refusal::TooSoon { minutes: 7 },
            Refusal::TooFarAhead { days: 7 },
            Refusal::NotAMultiple { minutes: 7 },
            Refusal::TooShort { minutes: 7 },
            Refusal::TooLong { minutes: 7 },
            Refusal::ClosedDate { reason: reason() },
            Refusal::OutsideHours,
            Refusal::ClosedWeekday,
            Refusal::OutsideSchedule,
            Refusal::Closure { kind: ClosureKind::Holiday, reason: reason() },
            Refusal::Taken,
            Refusal::Full { remaining: 7 },
            Refusal::OffGrid { minutes: 7 },
        ] {
            let text = Text::refusal(&refusal);
            assert!(text.is_translated(), "{refusal:?}");
            assert_eq!(text.render(Language::Portuguese), refusal.message());
        }
    }
}
