//! Mail by SMTP. Beyond this machine only over TLS whose certificate is trusted: `smtps://` from the
//! first byte, `smtp://` by STARTTLS.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use super::{Mail, Notifier, NotifyError};

/// The longest it may take to reach the server.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest a letter may take altogether, waiting for its turn and for every answer included.
const LETTER: Duration = Duration::from_secs(30);
/// Letters under way at once.
const LETTERS: usize = 4;

/// Sends letters by a mail server, each over a connection of its own.
pub struct SmtpNotifier {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    turns: Semaphore,
    patience: Duration,
}

impl SmtpNotifier {
    /// A notifier for the server of `url`, which may hold a user and a password. Nothing is asked of
    /// the server yet. In words what is wrong, without the address.
    pub fn new(url: &Url, from: &str) -> Result<Self, String> {
        Self::with(url, from, is_loopback(url), LETTER)
    }

    fn with(url: &Url, from: &str, in_the_open: bool, patience: Duration) -> Result<Self, String> {
        let from: Mailbox =
            from.parse().map_err(|_| "MAIL_FROM must be an e-mail address".to_owned())?;
        let mut url = url.clone();
        let starts_in_the_open = url.scheme() == "smtp";
        url.set_query((starts_in_the_open && !in_the_open).then_some("tls=required"));
        url.set_path("");
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
            .map_err(|_| "SMTP_URL must be smtp:// or smtps:// with a host".to_owned())?;
        let us = ClientId::Domain(from.email.domain().to_owned());
        let transport = builder.hello_name(us).timeout(Some(CONNECT)).build();
        Ok(Self { transport, from, turns: Semaphore::new(LETTERS), patience })
    }

    fn message(&self, mail: Mail) -> Option<Message> {
        let to = Mailbox::new(None, mail.to.parse().ok()?);
        let id: u128 = rand::random();
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject)
            .message_id(Some(format!("<{id:032x}@{}>", self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN);
        message.body(mail.text).ok()
    }

    async fn hand_over(&self, message: Message) -> Result<(), NotifyError> {
        let turn = self.turns.acquire().await;
        let sent = self.transport.send(message).await;
        drop(turn);
        sent.map(drop).map_err(|error| fault(&error))
    }
}

#[async_trait]
impl Notifier for SmtpNotifier {
    async fn send(&self, mail: Mail) -> Result<(), NotifyError> {
        let message = self.message(mail).ok_or(NotifyError::NotValid)?;
        let done = timeout(self.patience, self.hand_over(message)).await;
        done.unwrap_or(Err(NotifyError::Unreachable))
    }
}

/// Whether the server is on this machine, where nobody listens in.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn fault(error: &Error) -> NotifyError {
    if error.is_tls() {
        NotifyError::NoTls
    } else if let Some(code) = error.status() {
        NotifyError::Refused(Some(code.into()))
    } else if error.is_timeout() {
        NotifyError::Unreachable
    } else if error.is_client() {
        // The server does not offer what we insist on, such as STARTTLS.
        NotifyError::Refused(None)
    } else {
        NotifyError::Unreachable
    }
}

#[cfg(test)]
mod tests;
