//! Where a booking stands in its life.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a booking stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BookingStatus {
    /// Waits for a confirmation; takes its interval.
    Pendente,
    /// Confirmed; takes its interval.
    Confirmado,
    /// Held for a moment by who may confirm it; takes its interval until it expires.
    Reservado,
    /// Cancelled; its interval is free again.
    Cancelado,
    /// Took place.
    Concluido,
    /// Nobody told how it ended.
    SemDados,
    /// Nobody came; its interval is free again.
    NaoCompareceu,
}

impl BookingStatus {
    /// The wire values.
    pub const WORDS: &'static [&'static str] = &[
        "pendente",
        "confirmado",
        "reservado",
        "cancelado",
        "concluido",
        "sem_dados",
        "nao_compareceu",
    ];

    /// Reads the wire value.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "pendente" => Some(Self::Pendente),
            "confirmado" => Some(Self::Confirmado),
            "reservado" => Some(Self::Reservado),
            "cancelado" => Some(Self::Cancelado),
            "concluido" => Some(Self::Concluido),
            "sem_dados" => Some(Self::SemDados),
            "nao_compareceu" => Some(Self::NaoCompareceu),
            _ => None,
        }
    }

    /// The wire value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pendente => "pendente",
            Self::Confirmado => "confirmado",
            Self::Reservado => "reservado",
            Self::Cancelado => "cancelado",
            Self::Concluido => "concluido",
            Self::SemDados => "sem_dados",
            Self::NaoCompareceu => "nao_compareceu",
        }
    }

    /// Whether it is a booking that is still to take place. A hold is none yet.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Pendente | Self::Confirmado)
    }

    /// Whether a booking in this state takes its interval: the active ones, and a hold until it
    /// expires.
    pub const fn takes_interval(self) -> bool {
        matches!(self, Self::Pendente | Self::Confirmado | Self::Reservado)
    }

    /// The state of a new booking where the tenant says nothing else.
    pub const fn pending() -> Self {
        Self::Pendente
    }
}
