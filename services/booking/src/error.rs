//! Why a use case of bookings ends without its effect.

use chrono::{DateTime, Utc};
use common::db::{Classify, Refused, outcome_unknown};
use common::http::Problem;
use common::version::Changed;
use contracts::client::ClientError;
use contracts::problem::{Conflict, RefusalExplained};
use contracts::text::Text;
use http::StatusCode;
use scheduling::{Limit, Refusal};
use sea_orm::DbErr;
use std::sync::Arc;
use thiserror::Error;
use uuid::Uuid;

use crate::app::{CalendarFault, LinkRefusal, describe};
use crate::joint::Joint;
use crate::store::Gone;

/// Every way a use case of bookings can end without its effect.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("the request names another tenant")]
    OtherTenant,
    #[error("a plain user books for themselves only")]
    NotSelf,
    #[error("may not book")]
    MayNotBook,
    #[error("not allowed")]
    NotAllowed,
    #[error("the tenant is not active")]
    TenantInactive,
    #[error("no such booking")]
    NoBooking,
    #[error("no such resource")]
    NoResource,
    #[error("no such user")]
    NoUser,
    #[error("no such tenant")]
    NoTenant,
    #[error("the resource cannot be booked")]
    ResourceUnavailable,
    #[error("this local time does not exist")]
    NonexistentLocalTime,
    #[error("refused by the rules: {0}")]
    Refused(Refusal),
    #[error("the interval is taken")]
    Taken(Vec<Conflict>),
    #[error("only holds are in the way, until {retry_at}")]
    Held { conflicts: Vec<Conflict>, retry_at: DateTime<Utc>, now: DateTime<Utc> },
    #[error("{remaining} places left")]
    Full { conflicts: Vec<Conflict>, remaining: u32 },
    #[error("the person's limit is reached")]
    LimitExceeded(Limit),
    #[error("a hold is confirmed, extended or released, and nothing else")]
    IsHold,
    #[error("no such entry of the waiting list")]
    NoEntry,
    #[error("there is nothing to wait for")]
    SlotIsFree,
    #[error("waits for this time already")]
    AlreadyWaiting,
    #[error("{most} times to wait for are enough")]
    TooManyWaiting { most: u32 },
    #[error("nobody is expected")]
    NotExpected,
    #[error("not before {minutes} minutes before the start")]
    TooEarlyToCheckIn { minutes: i64 },
    #[error("the booking is over")]
    TooLateToCheckIn,
    #[error("the hold has expired")]
    HoldExpired,
    #[error("the token of the hold is wrong")]
    WrongHoldToken,
    #[error("the hold was extended before")]
    AlreadyExtended,
    #[error("the hold was confirmed before")]
    AlreadyConfirmed,
    #[error("{most} holds at a time are enough")]
    TooManyHolds { most: u32, retry_at: DateTime<Utc>, now: DateTime<Utc> },
    #[error("too late to cancel")]
    TooLateToCancel { hours: u32 },
    #[error("only an active booking can be cancelled")]
    NotActive,
    #[error("cancelling and moving exclude each other")]
    CancelAndMove,
    #[error("another version is stored")]
    VersionMismatch,
    #[error("settings unavailable: {0}")]
    SettingsUnavailable(String),
    #[error("a neighbour cannot be asked: {0}")]
    Unverifiable(Arc<ClientError>),
    #[error("the user service cannot be asked")]
    UserUnverifiable,
    #[error("the database kept refusing without a reason that lasted")]
    Contended,
    #[error("the database was lost under the insert: {cause}")]
    OutcomeUnknown { id: Uuid, cause: String },
    #[error("more claims than are told at once")]
    TooManyClaims,
    #[error("the database refused the insert")]
    RefusedByDatabase,
    #[error(transparent)]
    Link(#[from] LinkRefusal),
    #[error(transparent)]
    Calendar(#[from] CalendarFault),
    #[error(transparent)]
    Repeated(#[from] Refused),
    #[error("{0}")]
    Explained(Box<Error>, Box<RefusalExplained>),
    #[error(transparent)]
    Joint(#[from] Joint),
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Error {
    /// Tells a change whose commit was lost from one that did not happen.
    pub(crate) fn of_write(self, id: Uuid) -> Self {
        let unknown = self.db().is_some_and(outcome_unknown);
        if let (true, Self::Database(cause)) = (unknown, &self) {
            return Self::OutcomeUnknown { id, cause: cause.to_string() };
        }
        self
    }
}

impl Classify for Error {
    fn db(&self) -> Option<&DbErr> {
        match self {
            Self::Database(error) => Some(error),
            Self::Explained(error, _) => error.db(),
            Self::Joint(_)
            | Self::OtherTenant
            | Self::NotSelf
            | Self::MayNotBook
            | Self::NotAllowed
            | Self::TenantInactive
            | Self::NoBooking
            | Self::NoResource
            | Self::NoUser
            | Self::NoTenant
            | Self::ResourceUnavailable
            | Self::NonexistentLocalTime
            | Self::Refused(_)
            | Self::Taken(_)
            | Self::Held { .. }
            | Self::Full { .. }
            | Self::LimitExceeded(_)
            | Self::IsHold
            | Self::NoEntry
            | Self::SlotIsFree
            | Self::AlreadyWaiting
            | Self::TooManyWaiting { .. }
            | Self::NotExpected
            | Self::TooEarlyToCheckIn { .. }
            | Self::TooLateToCheckIn
            | Self::HoldExpired
            | Self::WrongHoldToken
            | Self::AlreadyExtended
            | Self::AlreadyConfirmed
            | Self::TooManyHolds { .. }
            | Self::TooLateToCancel { .. }
            | Self::NotActive
            | Self::CancelAndMove
            | Self::VersionMismatch
            | Self::SettingsUnavailable(_)
            | Self::Unverifiable(_)
            | Self::UserUnverifiable
            | Self::Contended
            | Self::TooManyClaims
            | Self::RefusedByDatabase
            | Self::Link(_)
            | Self::Calendar(_)
            | Self::Repeated(_)
            | Self::OutcomeUnknown { .. } => None,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::OtherTenant => {
                Self::forbidden("Você não pode criar reservas para outro tenant.")
            }
            Error::NotSelf => {
                Self::forbidden("Usuário comum só pode criar reservas para si mesmo.")
            }
            Error::MayNotBook => Self::forbidden("Você não tem permissão para criar reservas."),
            Error::NotAllowed => Self::not_allowed(),
            Error::TenantInactive => {
                told(StatusCode::FORBIDDEN, "tenant_inactive", "Tenant inativo.")
            }
            Error::NoBooking => Self::not_found("Reserva não encontrada"),
            Error::NoResource => Self::not_found("Recurso não encontrado"),
            Error::NoUser => Self::not_found("Usuário não encontrado"),
            Error::NoTenant => Self::not_found("Tenant não encontrado"),
            Error::ResourceUnavailable => {
                Self::rule("resource_unavailable", Text::new("Recurso indisponível para reservas."))
            }
            Error::NonexistentLocalTime => {
                broken("nonexistent_local_time", "Horário local inexistente neste fuso.")
            }
            Error::Refused(refusal) => refused(&refusal),
            Error::Taken(conflicts) => Self::taken(conflicts),
            Error::Held { conflicts, retry_at, now } => Self::held(conflicts, retry_at, now),
            Error::Full { conflicts, remaining } => Self::full(conflicts, remaining),
            Error::LimitExceeded(limit) => {
                let (template, most) = describe(limit);
                let text = Text::with(template, i64::from(most));
                Self::rule_of("limit_exceeded", text, most)
            }
            Error::IsHold => {
                broken("hold", "Uma retenção só pode ser confirmada, prorrogada ou liberada.")
            }
            Error::NoEntry => Self::not_found("Entrada da lista de espera não encontrada"),
            Error::SlotIsFree => {
                told(StatusCode::CONFLICT, "slot_is_free", "O horário está livre: faça a reserva.")
            }
            Error::AlreadyWaiting => told(
                StatusCode::CONFLICT,
                "already_waiting",
                "Você já está na lista de espera deste horário.",
            ),
            Error::TooManyWaiting { most } => {
                let template = "Limite de {n} lugares em listas de espera atingido.";
                Self::rule_of("too_many_waiting", Text::with(template, i64::from(most)), most)
            }
            Error::NotExpected => {
                let template = "Somente reservas pendentes ou confirmadas permitem check-in.";
                Self::rule("not_active", Text::new(template))
            }
            Error::TooEarlyToCheckIn { minutes } => {
                let template = "Check-in permitido a partir de {n} minutos antes do início.";
                Self::rule("too_early_to_check_in", Text::with(template, minutes))
            }
            Error::TooLateToCheckIn => {
                broken("too_late_to_check_in", "O horário da reserva já terminou.")
            }
            Error::HoldExpired => told(StatusCode::GONE, "hold_expired", "A retenção expirou."),
            Error::WrongHoldToken => {
                told(StatusCode::FORBIDDEN, "wrong_hold_token", "Token da retenção inválido.")
            }
            Error::AlreadyExtended => {
                told(StatusCode::CONFLICT, "already_extended", "A retenção já foi prorrogada.")
            }
            Error::AlreadyConfirmed => {
                told(StatusCode::CONFLICT, "already_confirmed", "A retenção já foi confirmada.")
            }
            Error::TooManyHolds { most, retry_at, now } => {
                let template = "Limite de {n} retenções simultâneas atingido.";
                let text = Text::with(template, i64::from(most));
                Self::too_many("too_many_holds", text, most, retry_at, now)
            }
            Error::TooLateToCancel { hours } => {
                let template = "Cancelamento permitido somente até {n} horas antes do início.";
                let text = Text::with(template, i64::from(hours));
                Self::rule_of("too_late_to_cancel", text, hours)
            }
            Error::NotActive => {
                let template = "Somente reservas pendentes ou confirmadas podem ser canceladas.";
                Self::rule("not_active", Text::new(template))
            }
            Error::CancelAndMove => {
                Self::field("status", "combination", "Cancelar e mover são mudanças separadas.")
            }
            Error::VersionMismatch => Self::precondition_failed(),
            Error::SettingsUnavailable(cause) => Self::settings_unavailable(cause),
            Error::Unverifiable(cause) => Self::unavailable(cause),
            Error::UserUnverifiable => Self::unavailable("the user cannot be verified"),
            Error::Link(refusal) => refusal.into(),
            Error::Calendar(fault) => fault.into(),
            Error::Repeated(refused) => refused.into(),
            Error::TooManyClaims => Self::unavailable("more claims than are told at once"),
            Error::RefusedByDatabase => Self::unavailable("refused by the database"),
            Error::Contended => Self::unavailable("contended"),
            Error::OutcomeUnknown { id, cause } => Self::outcome_unknown(id, cause),
            Error::Explained(error, why) => Self::from(*error).explained(*why),
            Error::Joint(joint) => joint.into(),
            Error::Database(error) => error.into(),
        }
    }
}

impl From<Changed> for Error {
    fn from(_: Changed) -> Self {
        Self::VersionMismatch
    }
}

impl From<Gone> for Error {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Tenant => Self::NoTenant,
            Gone::Resource => Self::NoResource,
            Gone::User | Gone::Erased => Self::NoUser,
        }
    }
}

fn broken(code: &'static str, message: &'static str) -> Problem {
    Problem::rule(code, Text::new(message))
}

fn told(status: StatusCode, code: &'static str, message: &'static str) -> Problem {
    Problem::new(status, code, Text::new(message))
}

/// A refusal by the pure rules, in the contract's wording.
fn refused(refusal: &Refusal) -> Problem {
    let (code, text) = (refusal.code(), Text::refusal(refusal));
    match *refusal {
        Refusal::TooFarAhead { days: value }
        | Refusal::TooSoon { minutes: value }
        | Refusal::NotAMultiple { minutes: value }
        | Refusal::TooShort { minutes: value }
        | Refusal::TooLong { minutes: value }
        | Refusal::OffGrid { minutes: value } => Problem::rule_of(code, text, value),
        Refusal::EndBeforeStart
        | Refusal::NotInFuture
        | Refusal::OutsideHours
        | Refusal::ClosedWeekday
        | Refusal::ClosedDate { .. }
        | Refusal::OutsideSchedule
        | Refusal::Closure { .. } => Problem::rule(code, text),
        Refusal::Taken => Problem::taken(Vec::new()),
        Refusal::Full { remaining } => Problem::full(Vec::new(), remaining),
    }
}
