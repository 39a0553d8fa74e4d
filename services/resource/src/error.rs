//! Why a use case of the directory ends without its effect.

use common::db::{Classify, Refused};
use common::http::Problem;
use common::version::Changed;
use contracts::problem::FieldFault;
use contracts::text::Text;
use sea_orm::DbErr;
use thiserror::Error;

/// Every way a use case can end without its effect.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("the request names another tenant")]
    OtherTenant,
    #[error("no such category")]
    NoCategory,
    #[error("no such resource")]
    NoResource,
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
    NoAnswer(#[from] NoAnswer),
    #[error(transparent)]
    Database(#[from] DbErr),
}

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
            | Self::CategoryInUse
            | Self::Invalid(_)
            | Self::MissingDate
            | Self::InvalidDate
            | Self::ResourceUnavailable
            | Self::Changed(_)
            | Self::Repeated(_)
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
            Error::NoAnswer(reason) => unanswered(reason),
            Error::Database(error) => error.into(),
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
