//! What can go wrong here, and how it looks from outside.

use common::db::{Classify, Fault, Refused, classify};
use common::http::Problem;
use common::version::Changed;
use contracts::Text;
use contracts::problem::FieldFault;
use thiserror::Error;

use crate::store::DbErr;

/// Why a use case of the tenant service was refused or failed.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// There is no such tenant.
    #[error("no such tenant")]
    Unknown,
    /// There is no such tenant, where its settings were asked for.
    #[error("no such settings")]
    UnknownSettings,
    /// The caller belongs to another tenant.
    #[error("another tenant's")]
    OtherTenant,
    /// The caller is no admin of the tenant.
    #[error("not allowed")]
    NotAllowed,
    /// Another tenant has the domain.
    #[error("the domain is taken")]
    DomainTaken,
    /// The edited whole would not be valid.
    #[error("not valid")]
    Invalid(Vec<FieldFault>),
    /// Another version is stored than the caller has seen.
    #[error(transparent)]
    Changed(#[from] Changed),
    /// The request was sent before, and has no answer to be sent again.
    #[error(transparent)]
    Repeated(#[from] Refused),
    /// The database.
    #[error(transparent)]
    Database(DbErr),
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match classify(&error) {
            Fault::Unique(Some(key)) if key.contains("domain_key") => Self::DomainTaken,
            Fault::Unique(_)
            | Fault::Overlap
            | Fault::ForeignKey
            | Fault::Unavailable
            | Fault::Retryable
            | Fault::Other => Self::Database(error),
        }
    }
}

impl Classify for Error {
    fn db(&self) -> Option<&DbErr> {
        match self {
            Self::Database(error) => Some(error),
            Self::Unknown
            | Self::UnknownSettings
            | Self::OtherTenant
            | Self::NotAllowed
            | Self::DomainTaken
            | Self::Invalid(_)
            | Self::Changed(_)
            | Self::Repeated(_) => None,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Unknown => Self::not_found("Tenant não encontrado"),
            Error::UnknownSettings => Self::not_found("Configurações não encontradas"),
            Error::OtherTenant => Self::other_tenant(),
            Error::NotAllowed => Self::not_allowed(),
            Error::DomainTaken => Self::rule("duplicate", Text::new("Domínio já cadastrado.")),
            Error::Invalid(fields) => Self::validation(fields),
            Error::Changed(changed) => Self::from(changed),
            Error::Repeated(refused) => Self::from(refused),
            Error::Database(error) => Self::from(error),
        }
    }
}
