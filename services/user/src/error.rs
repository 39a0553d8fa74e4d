//! What can go wrong here, and how it looks from outside.

use std::time::Duration;

use common::db::{Classify, Fault, Refused, classify};
use common::http::{Problem, StatusCode};
use common::notify::NotifyError;
use common::version::Changed;
use contracts::Text;
use contracts::problem::FieldFault;
use thiserror::Error;

use crate::app::PasswordError;
use crate::store::DbErr;

/// Why a use case of the user service was refused or failed.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// There is no such user in the caller's tenant.
    #[error("no such user")]
    Unknown,
    /// There is no such tenant.
    #[error("no such tenant")]
    UnknownTenant,
    /// There is no such API key in the tenant.
    #[error("no such API key")]
    UnknownKey,
    /// The tenant has as many API keys as it may.
    #[error("the tenant has {most} live API keys")]
    TooManyKeys {
        /// How many that is.
        most: u64,
    },
    /// The user, or the user's tenant, may not act now, so nobody may act as the user.
    #[error("nobody can act as this user")]
    NotImpersonable,
    /// The request names another tenant than the caller's or the user's.
    #[error("another tenant's")]
    OtherTenant,
    /// The caller may not do this.
    #[error("not allowed")]
    NotAllowed,
    /// Another user of the tenant has the address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The edited whole would not be valid.
    #[error("not valid")]
    Invalid(Vec<FieldFault>),
    /// Wrong, unknown, without a password, inactive or not told apart: nobody learns which.
    #[error("the credentials are not good")]
    BadCredentials,
    /// The password that is to be changed is another one.
    #[error("not the current password")]
    WrongPassword,
    /// The token of a mail is unknown, used or too old.
    #[error("not a good token")]
    BadToken,
    /// Too many tries; the next may be made in so many seconds.
    #[error("throttled for {0} s")]
    Throttled(u64),
    /// What is held about a user could not all be had.
    #[error("an export is not complete: {0}")]
    Incomplete(String),
    /// A mail could not be sent.
    #[error(transparent)]
    Mail(#[from] NotifyError),
    /// The refresh token is unknown, expired, used or of a session that is over: nobody learns which.
    #[error("not a good refresh token")]
    BadRefresh,
    /// Another request is trading the same refresh token at this moment.
    #[error("the refresh token is being traded")]
    RefreshInProgress,
    /// The caller has no such session.
    #[error("no such session")]
    UnknownSession,
    /// The tenant cannot be verified now.
    #[error("the tenant cannot be verified: {0}")]
    TenantUnverified(String),
    /// A password could not be hashed or compared.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A token could not be signed.
    #[error("signing a token: {0}")]
    Signing(String),
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
            Fault::Unique(Some(key)) if key.contains("email_key") => Self::EmailTaken,
            Fault::Unique(_)
            | Fault::Overlap
            | Fault::ForeignKey
            | Fault::Unavailable
            | Fault::Retryable
            | Fault::Other => Self::Database(error),
        }
    }
}

impl Error {
    /// An export that lacks something, because of `cause`.
    pub(crate) fn incomplete(cause: &impl ToString) -> Self {
        Self::Incomplete(cause.to_string())
    }
}

impl Classify for Error {
    fn db(&self) -> Option<&DbErr> {
        match self {
            Self::Database(error) => Some(error),
            Self::Unknown
            | Self::UnknownTenant
            | Self::UnknownKey
            | Self::TooManyKeys { .. }
            | Self::NotImpersonable
            | Self::OtherTenant
            | Self::NotAllowed
            | Self::EmailTaken
            | Self::Invalid(_)
            | Self::BadCredentials
            | Self::WrongPassword
            | Self::BadToken
            | Self::Throttled(_)
            | Self::Incomplete(_)
            | Self::Mail(_)
            | Self::BadRefresh
            | Self::RefreshInProgress
            | Self::UnknownSession
            | Self::TenantUnverified(_)
            | Self::Password(_)
            | Self::Signing(_)
            | Self::Changed(_)
            | Self::Repeated(_) => None,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Unknown => Self::not_found("Usuário não encontrado"),
            Error::UnknownTenant => Self::not_found("Tenant não encontrado"),
            Error::UnknownKey => Self::not_found("Chave de API não encontrada"),
            Error::TooManyKeys { most } => {
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                let text = Text::with("O tenant já tem {n} chaves de API ativas.", most);
                Self::rule("too_many_keys", text)
            }
            Error::NotImpersonable => Self::conflict("Usuário inativo ou tenant suspenso."),
            Error::OtherTenant => Self::other_tenant(),
            Error::NotAllowed => Self::not_allowed(),
            Error::EmailTaken => {
                Self::rule("duplicate", Text::new("E-mail já cadastrado para este tenant"))
            }
            Error::Invalid(fields) => Self::validation(fields),
            Error::BadCredentials => Self::unauthorized(Text::new("Email ou senha inválidos")),
            Error::WrongPassword => Self::new(
                StatusCode::FORBIDDEN,
                "wrong_password",
                Text::new("Senha atual incorreta."),
            ),
            Error::BadToken => {
                Self::rule("invalid_token", Text::new("Código inválido, usado ou expirado."))
            }
            Error::Throttled(seconds) => throttled(seconds),
            Error::Mail(error) => Self::unavailable(error),
            Error::BadRefresh => Self::unauthorized(Text::new("Sessão inválida ou expirada.")),
            Error::RefreshInProgress => {
                let text = Text::new("A sessão já está sendo renovada. Tente novamente.");
                let problem = Self::new(StatusCode::CONFLICT, "refresh_in_progress", text);
                problem.retry_after(Duration::from_secs(1))
            }
            Error::UnknownSession => Self::not_found("Sessão não encontrada"),
            Error::TenantUnverified(cause) | Error::Incomplete(cause) => Self::unavailable(cause),
            Error::Password(PasswordError::Busy) => Self::unavailable(PasswordError::Busy),
            Error::Password(failed @ PasswordError::Failed(_)) => Self::internal(failed),
            Error::Signing(cause) => Self::internal(cause),
            Error::Changed(changed) => Self::from(changed),
            Error::Repeated(refused) => Self::from(refused),
            Error::Database(error) => Self::from(error),
        }
    }
}

fn throttled(seconds: u64) -> Problem {
    let number = i64::try_from(seconds).unwrap_or(i64::MAX);
    let text = Text::with("Muitas tentativas. Tente novamente em {n} s.", number);
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", text);
    problem.retry_after(Duration::from_secs(seconds))
}
