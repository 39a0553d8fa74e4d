//! Why a use case of the directory ends without its effect.

use std::time::Duration;

use common::db::{Classify, Refused};
use common::http::Problem;
use common::version::Changed;
use contracts::facts::CapacityLowering;
use contracts::problem::{Conflict, FieldFault};
use contracts::text::Text;
use sea_orm::DbErr;
use thiserror::Error;

use crate::app::MOST_EXCEPTIONS;

/// Every way a use case can end without its effect.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("the request names another tenant")]
    OtherTenant,
    #[error("no such category")]
    NoCategory,
    #[error("no such resource")]
    NoResource,
    #[error("no such exception")]
    NoException,
    #[error("the target has as many exceptions as it may")]
    TooManyExceptions,
    #[error("bookings need more than the capacity that is left")]
    CapacityInUse(Vec<Conflict>),
    #[error("too many resources share the category")]
    TooManyResources,
    #[error("changed by others again and again")]
    Contended,
    #[error("the category is still used")]
    CategoryInUse,
    #[error("not of the documented shape")]
    Invalid(Vec<FieldFault>),
    #[error("no date given")]
    MissingDate,
    #[error("not a date")]
    InvalidDate,
    #[error("the resource cannot be booked")]
    ResourceUnavailable,
    #[error(transparent)]
    Changed(#[from] Changed),
    #[error(transparent)]
    Repeated(#[from] Refused),
    #[error(transparent)]
    Search(#[from] SearchFault),
    #[error("as many streams are open as may be")]
    TooManyStreams,
    #[error("no such settings")]
    NoSettings,
    #[error("not allowed")]
    NotAllowed,
    #[error(transparent)]
    Preview(#[from] PreviewFault),
    #[error("as many previews are under way as may be")]
    TooManyPreviews,
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// What is wrong with the time that is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum SearchFault {
    #[error("this local time does not exist")]
    NonexistentLocalTime,
    #[error("it ends before it begins")]
    Order,
    #[error("it spans more than {days} days")]
    TooLong { days: u32 },
    #[error("not a multiple of {minutes} minutes")]
    NotAMultiple { minutes: u32 },
}

/// Why a preview of settings is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum PreviewFault {
    #[error("this local time does not exist")]
    NonexistentLocalTime,
    #[error("it ends before it begins")]
    Order,
    #[error("it spans more than {days} days")]
    TooLong { days: u32 },
    #[error("too many bookings or exceptions")]
    TooMuch,
}

/// When a preview that was refused may be tried again.
const PREVIEWS_WAIT: Duration = Duration::from_secs(5);
/// When a stream that was refused may be tried again.
const STREAMS_WAIT: Duration = Duration::from_secs(5);

/// Why the tenant's rules or the resource's bookings give no answer. Readers that wait for the same
/// answer share it, so it can be cloned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NoAnswer {
    #[error("no such tenant")]
    NoTenant,
    #[error("the date is in the past")]
    PastDate,
    #[error("the date is more than {days} days ahead")]
    TooFarAhead { days: u32 },
    #[error("settings unavailable: {0}")]
    Settings(String),
    #[error("the bookings cannot be asked for: {0}")]
    Bookings(String),
}

impl Classify for Error {
    fn db(&self) -> Option<&DbErr> {
        match self {
            Self::Database(error) => Some(error),
            Self::OtherTenant
            | Self::NoCategory
            | Self::NoResource
            | Self::NoException
            | Self::TooManyExceptions
            | Self::CapacityInUse(_)
            | Self::TooManyResources
            | Self::Contended
            | Self::CategoryInUse
            | Self::Invalid(_)
            | Self::MissingDate
            | Self::InvalidDate
            | Self::ResourceUnavailable
            | Self::Changed(_)
            | Self::Repeated(_)
            | Self::Search(_)
            | Self::TooManyStreams
            | Self::NoSettings
            | Self::NotAllowed
            | Self::Preview(_)
            | Self::TooManyPreviews
            | Self::NoAnswer(_) => None,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::OtherTenant => Self::other_tenant(),
            Error::NoCategory => Self::not_found("Categoria não encontrada"),
            Error::NoResource => Self::not_found("Recurso não encontrado"),
            Error::NoException => Self::not_found("Exceção não encontrada"),
            Error::TooManyExceptions => {
                let text =
                    Text::with("Limite de {n} exceções por nível.", i64::from(MOST_EXCEPTIONS));
                Self::conflict_of("too_many_exceptions", text).limited(MOST_EXCEPTIONS)
            }
            Error::CapacityInUse(conflicts) => {
                let text = Text::new("Reservas futuras usam mais do que a nova capacidade.");
                Self::conflict_of("capacity_in_use", text).conflicting(conflicts)
            }
            Error::TooManyResources => {
                let most = u32::try_from(CapacityLowering::MOST).unwrap_or(u32::MAX);
                let template = "A categoria tem mais de {n} recursos; mova alguns antes.";
                Self::conflict_of("too_many_resources", Text::with(template, i64::from(most)))
                    .limited(most)
            }
            Error::Contended => Self::unavailable("contended"),
            Error::CategoryInUse => Self::conflict("Categoria em uso por recursos."),
            Error::Invalid(fields) => Self::validation(fields),
            Error::MissingDate => Self::field("date", "missing", "Campo obrigatório."),
            Error::InvalidDate => {
                Self::rule("invalid_date", Text::new("Data inválida. Use o formato YYYY-MM-DD."))
            }
            Error::ResourceUnavailable => {
                Self::rule("resource_unavailable", Text::new("Recurso indisponível para reservas."))
            }
            Error::Changed(changed) => changed.into(),
            Error::Repeated(refused) => refused.into(),
            Error::Search(fault) => of_search(fault),
            Error::TooManyStreams => Self::rate_limited(STREAMS_WAIT),
            Error::NoSettings => Self::not_found("Configurações não encontradas"),
            Error::NotAllowed => Self::not_allowed(),
            Error::Preview(fault) => of_preview(fault),
            Error::TooManyPreviews => Self::rate_limited(PREVIEWS_WAIT),
            Error::NoAnswer(reason) => unanswered(reason),
            Error::Database(error) => error.into(),
        }
    }
}

fn of_search(fault: SearchFault) -> Problem {
    match fault {
        SearchFault::NotAMultiple { minutes } => {
            let text = Text::with("Duração deve ser múltiplo de {n} minutos.", i64::from(minutes));
            Problem::rule_of("duration_not_multiple", text, minutes)
        }
        SearchFault::NonexistentLocalTime => {
            let text = "Horário local inexistente neste fuso.";
            Problem::rule("nonexistent_local_time", Text::new(text))
        }
        SearchFault::TooLong { days } => {
            let text = Text::with("Buscas limitadas a um período de {n} dias.", i64::from(days));
            Problem::rule_of("search_too_long", text, days)
        }
        SearchFault::Order => {
            let text = "Horário final deve ser maior que o inicial.";
            Problem::rule("end_before_start", Text::new(text))
        }
    }
}

fn of_preview(fault: PreviewFault) -> Problem {
    match fault {
        PreviewFault::NonexistentLocalTime => of_search(SearchFault::NonexistentLocalTime),
        PreviewFault::Order => of_search(SearchFault::Order),
        PreviewFault::TooLong { days } => {
            let template = "Simulações limitadas a um período de {n} dias.";
            Problem::rule_of("period_too_long", Text::with(template, i64::from(days)), days)
        }
        PreviewFault::TooMuch => {
            let text = "Há dados demais para uma simulação; escolha menos recursos ou um período \
                        menor.";
            Problem::rule("preview_too_large", Text::new(text))
        }
    }
}

fn unanswered(reason: NoAnswer) -> Problem {
    match reason {
        NoAnswer::NoTenant => Problem::not_found("Tenant não encontrado"),
        NoAnswer::PastDate => {
            Problem::rule("date_in_past", Text::new("Data deve ser igual ou posterior a hoje."))
        }
        NoAnswer::TooFarAhead { days } => {
            let template = "Consultas de disponibilidade limitadas a {n} dias de antecedência.";
            Problem::rule("too_far_ahead", Text::with(template, i64::from(days)))
        }
        NoAnswer::Settings(cause) => Problem::settings_unavailable(cause),
        NoAnswer::Bookings(cause) => Problem::unavailable(cause),
    }
}
