//! Who may act: users, their sessions, and the API keys of integrations.

use std::sync::Arc;

use contracts::client::Clients;
use contracts::event::{DirectoryEvent, Envelope};
use contracts::facts::{ApiKeyFacts, SessionFacts, UserFacts};
use contracts::security::SecurityEvent;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::directory::{Directory, Lookup, Touch};
use crate::platform::Platform;

/// What is known of a user.
pub type UserLookup = Lookup<UserFacts>;

/// Facts of those who may act, near.
pub struct UserDirectory {
    clients: Clients,
    users: Directory<UserFacts>,
    sessions: Directory<SessionFacts>,
    keys: Directory<ApiKeyFacts>,
}

impl UserDirectory {
    /// A directory that hears the platform's events.
    pub fn new(platform: &Platform) -> Arc<Self> {
        Arc::new(Self {
            clients: platform.clients.clone(),
            users: Directory::new(platform, touched_user),
            sessions: Directory::new(platform, touched_session),
            keys: Directory::new(platform, touched_key),
        })
    }

    /// What is known of a user.
    pub async fn find(&self, id: Uuid) -> UserLookup {
        self.users.find(id, || self.clients.user(id)).await
    }

    /// What is known of a session.
    pub async fn session(&self, id: Uuid) -> Lookup<SessionFacts> {
        self.sessions.find(id, || self.clients.session(id)).await
    }

    /// What is known of an API key, by the key itself.
    pub async fn api_key(&self, key: &str) -> Lookup<ApiKeyFacts> {
        let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        // Half of it tells keys apart near at hand; the owner is asked by the whole.
        let (half, _) = hash.split_at(16);
        let id = Uuid::from_slice(half).unwrap_or_default();
        let hash = hex(&hash);
        self.keys.find(id, || async move { self.clients.api_key(&hash).await }).await
    }

    /// Forgets what is known of a user, where the owner changed it in this very process.
    pub fn forget(&self, id: Uuid) {
        self.users.forget(id);
    }

    /// The same of a session.
    pub fn forget_session(&self, id: Uuid) {
        self.sessions.forget(id);
    }

    /// The same of all API keys.
    pub fn forget_api_keys(&self) {
        self.keys.forget_all();
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn touched_user(event: &Envelope) -> Touch {
    match DirectoryEvent::parse(&event.event_type) {
        Some(DirectoryEvent::UserUpdated | DirectoryEvent::UserDeleted) => {
            Touch::One(event.metadata.aggregate_id)
        }
        Some(DirectoryEvent::TenantDeleted) => Touch::All,
        Some(
            DirectoryEvent::TenantUpdated
            | DirectoryEvent::TenantSettingsChanged
            | DirectoryEvent::ResourceCreated
            | DirectoryEvent::ResourceUpdated
            | DirectoryEvent::ResourceDeleted
            | DirectoryEvent::CategoryUpdated
            | DirectoryEvent::ExceptionChanged,
        )
        | None => Touch::Nothing,
    }
}

fn touched_session(event: &Envelope) -> Touch {
    if SecurityEvent::parse(&event.event_type) == Some(SecurityEvent::SessionEnded) {
        return Touch::One(event.metadata.aggregate_id);
    }
    Touch::Nothing
}

/// Keys are kept by their hash, which no event tells: a revoked one drops them all.
fn touched_key(event: &Envelope) -> Touch {
    let revoked = SecurityEvent::parse(&event.event_type) == Some(SecurityEvent::ApiKeyRevoked);
    let gone = DirectoryEvent::parse(&event.event_type) == Some(DirectoryEvent::TenantDeleted);
    if revoked || gone { Touch::All } else { Touch::Nothing }
}
