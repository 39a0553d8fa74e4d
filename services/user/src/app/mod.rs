//! The use cases, one file each, and what a sign-in needs: passwords and the signing key.

mod api_keys;
mod change_password;
mod collect;
mod create;
mod delete;
mod export;
mod impersonate;
mod key;
mod login;
mod operator;
mod password;
mod password_policy;
mod read;
mod recover_password;
mod recovery_mail;
mod rules;
mod sessions;
mod throttle;
mod token;
mod update;

use std::sync::Arc;

use common::db::Database;
use common::notify::Notifier;
use common::providers::{SettingsProvider, UserDirectory};
use common::streams::{Outbox, Relay};
use common::{Clock, IdSource};
use contracts::client::Clients;
use tokio::sync::Notify;
use url::Url;

pub(crate) use export::Export;
pub(crate) use key::{Jwks, Published, Signer, rotate as rotate_keys};
pub(crate) use password::{PasswordError, Passwords};
pub(crate) use sessions::{Client, Ended, Keep, Person, Tokens, Why, cleanup};

/// The users and what can be done with them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Users {
    /// Where they are stored.
    pub(crate) database: Database,
    /// Where their changes are told.
    pub(crate) outbox: Outbox,
    /// Carries them away; woken after every commit.
    pub(crate) relay: Relay,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub(crate) ids: Arc<dyn IdSource>,
    /// Who knows which tenants there are.
    pub(crate) tenants: Arc<dyn SettingsProvider>,
    /// Who knows which tenant has a domain.
    pub(crate) clients: Clients,
    /// This process' own view of the users, which changes here must reach at once.
    pub(crate) people: Arc<UserDirectory>,
    /// Hashes and compares passwords.
    pub(crate) passwords: Passwords,
    /// Signs access tokens.
    pub(crate) signer: Arc<Signer>,
    /// Sends mails.
    pub(crate) notifier: Arc<dyn Notifier>,
    /// Wakes the job that sends them.
    pub(crate) mail_due: Arc<Notify>,
    /// Wakes the job that puts exports together.
    pub(crate) export_due: Arc<Notify>,
    /// What links in mails begin with.
    pub(crate) public_url: Option<Url>,
}
