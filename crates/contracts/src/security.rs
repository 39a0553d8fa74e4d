//! Security events: who signed in, failed to, was given or lost authority. They travel on
//! `directory-events` beside the others, and never hold a secret or an address.

use serde_json::{Map, Value};
use uuid::Uuid;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityEvent {
    /// `security.signed_in`.
    SignedIn,
    /// `security.sign_in_failed`.
    SignInFailed,
    /// `security.refresh_reused`: a refresh token that was already traded came again.
    RefreshReused,
    /// `security.password_changed`.
    PasswordChanged,
    /// `security.password_recovery_requested`.
    PasswordRecoveryRequested,
    /// `security.permissions_changed`: of a user, or its type or activity.
    PermissionsChanged,
    /// `security.impersonation_started`.
    ImpersonationStarted,
    /// `security.operator_created`.
    OperatorCreated,
    /// `security.api_key_created`.
    ApiKeyCreated,
    /// `security.api_key_used`: at most once an hour and key.
    ApiKeyUsed,
    /// `security.api_key_revoked`. Caches drop the key.
    ApiKeyRevoked,
    /// `security.session_ended`. Caches drop the session.
    SessionEnded,
    /// `security.user_exported`.
    UserExported,
    /// `security.user_erased`.
    UserErased,
}

impl SecurityEvent {
    /// Every event with its wire name.
    pub const ALL: [(Self, &'static str); 14] = [
        (Self::SignedIn, "security.signed_in"),
        (Self::SignInFailed, "security.sign_in_failed"),
        (Self::RefreshReused, "security.refresh_reused"),
        (Self::PasswordChanged, "security.password_changed"),
        (Self::PasswordRecoveryRequested, "security.password_recovery_requested"),
        (Self::PermissionsChanged, "security.permissions_changed"),
        (Self::ImpersonationStarted, "security.impersonation_started"),
        (Self::OperatorCreated, "security.operator_created"),
        (Self::ApiKeyCreated, "security.api_key_created"),
        (Self::ApiKeyUsed, "security.api_key_used"),
        (Self::ApiKeyRevoked, "security.api_key_revoked"),
        (Self::SessionEnded, "security.session_ended"),
        (Self::UserExported, "security.user_exported"),
        (Self::UserErased, "security.user_erased"),
    ];

    /// The wire name.
    pub fn event_type(self) -> &'static str {
        Self::ALL.iter().find(|(event, _)| *event == self).map_or("security.unknown", |row| row.1)
    }

    /// Reads the wire name.
    pub fn parse(event_type: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == event_type).map(|(event, _)| *event)
    }
}

/// About a security event: whom and what it concerns. What does not apply is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Security {
    /// Whose user, key or session it is; nil where no tenant is known.
    pub tenant_id: Uuid,
    /// The user it concerns.
    pub user_id: Option<Uuid>,
    /// Who did it, where it was someone else.
    pub by: Option<Uuid>,
    /// The session.
    pub session_id: Option<Uuid>,
    /// The API key.
    pub api_key_id: Option<Uuid>,
    /// The client's network: an address without its last part.
    pub network: Option<String>,
    /// Why, as a `snake_case` word or as the one who did it put it.
    pub reason: Option<String>,
}

impl Security {
    /// What the event is filed under: the session or key, else the user, else the tenant.
    pub fn aggregate_id(&self) -> Uuid {
        self.session_id.or(self.api_key_id).or(self.user_id).unwrap_or(self.tenant_id)
    }

    /// The wire payload.
    pub fn payload(&self) -> Value {
        let Self { tenant_id, user_id, by, session_id, api_key_id, network, reason } = self;
        let id = |id: &Option<Uuid>| id.map(|id| id.to_string());
        let fields = [
            ("tenant_id", Some(tenant_id.to_string())),
            ("user_id", id(user_id)),
            ("by", id(by)),
            ("session_id", id(session_id)),
            ("api_key_id", id(api_key_id)),
            ("network", network.clone()),
            ("reason", reason.clone()),
        ];
        let present =
            fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        Value::Object(present.collect::<Map<String, Value>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for (event, name) in SecurityEvent::ALL {
            assert_eq!((SecurityEvent::parse(name), event.event_type()), (Some(event), name));
        }
    }

    #[test]
    fn a_payload_holds_what_is_known_and_nothing_else() {
        let user = Uuid::from_u128(1);
        let event = Security { user_id: Some(user), ..Security::default() };
        let expected = serde_json::json!({ "tenant_id": Uuid::nil(), "user_id": user });
        assert_eq!((event.payload(), event.aggregate_id()), (expected, user));
    }
}
