//! Letters to people. A service says what and to whom; how it gets there is the configuration's
//! business: SMTP where there is a server, else the log in development, else not at all.

mod smtp;

use std::sync::Arc;

use async_trait::async_trait;
use thiserror::Error;

use crate::settings::{Environment, Settings};

pub use smtp::SmtpNotifier;

/// A letter. There is no `Debug`: what is in it belongs into no log.
#[derive(Clone)]
pub struct Mail {
    /// The recipient's address.
    pub to: String,
    /// The subject, one line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// Why a letter did not get away. Without addresses and without the server's words, which repeat them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotifyError {
    /// There is no way to send one.
    #[error("SMTP_URL is not set")]
    NotConfigured,
    /// The letter cannot be written so that a mail server takes it.
    #[error("the address or the text is not valid in a mail")]
    NotValid,
    /// The server did not answer, or not in time.
    #[error("the mail server does not answer")]
    Unreachable,
    /// The connection could not be made secret.
    #[error("no trusted TLS with the mail server")]
    NoTls,
    /// The server said no, with this code if it had one.
    #[error("the mail server refused with code {}", .0.map_or_else(|| "-".to_owned(), |code| code.to_string()))]
    Refused(Option<u16>),
}

/// Sends letters.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Hands a letter over; once this is `Ok`, somebody else cares for it. Takes half a minute at most.
    async fn send(&self, mail: Mail) -> Result<(), NotifyError>;
}

/// Shows letters in the log, secrets included: for development only.
pub struct LogNotifier;

#[async_trait]
impl Notifier for LogNotifier {
    async fn send(&self, mail: Mail) -> Result<(), NotifyError> {
        let Mail { to, subject, text } = mail;
        tracing::info!(to, subject, text, "a mail, which production would send");
        Ok(())
    }
}

/// Sends nothing and says so.
struct NoNotifier;

#[async_trait]
impl Notifier for NoNotifier {
    async fn send(&self, _: Mail) -> Result<(), NotifyError> {
        Err(NotifyError::NotConfigured)
    }
}

/// The way that is configured; in words what is wrong with it.
pub fn notifier(settings: &Settings) -> Result<Arc<dyn Notifier>, String> {
    match (&settings.smtp_url, &settings.mail_from) {
        (Some(url), Some(from)) => Ok(Arc::new(SmtpNotifier::new(url, from)?)),
        (Some(_), None) => Err("MAIL_FROM must be set where SMTP_URL is".to_owned()),
        (None, _) if settings.environment == Environment::Development => Ok(Arc::new(LogNotifier)),
        (None, _) => Ok(Arc::new(NoNotifier)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Topology;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let read = Settings::read(&pairs.iter().copied().collect(), Topology::Embedded);
        read.unwrap_or_else(|offences| panic!("{offences:?}"))
    }

    #[tokio::test]
    async fn only_development_writes_letters_to_the_log() {
        let mail = Mail { to: "a@b.example".into(), subject: "x".into(), text: "y".into() };
        let mut settings = settings(&[]);
        assert!(notifier(&settings).unwrap().send(mail.clone()).await.is_ok());
        settings.environment = Environment::Production;
        let refused = notifier(&settings).unwrap().send(mail).await;
        assert_eq!(refused, Err(NotifyError::NotConfigured));
    }

    #[test]
    fn a_mail_server_needs_a_sender() {
        let server = [("SMTP_URL", "smtp://127.0.0.1:1")];
        assert!(notifier(&settings(&server)).err().unwrap().contains("MAIL_FROM"));
        let both = [("SMTP_URL", "smtp://127.0.0.1:1"), ("MAIL_FROM", "Marca <x@marca.example>")];
        assert!(notifier(&settings(&both)).is_ok());
        let bad = [("SMTP_URL", "smtp://127.0.0.1:1"), ("MAIL_FROM", "@")];
        assert!(notifier(&settings(&bad)).err().unwrap().contains("MAIL_FROM"));
    }
}
