//! Sessions: sign-in, tokens, and what a person sees of where he is signed in.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::form::{Decode, Form, text, uuid};

/// Credentials of a sign-in, as a form or as JSON.
#[derive(Clone, Deserialize, ToSchema)]
pub struct Login {
    /// The e-mail address.
    #[schema(max_length = 254, example = "ana@example.com")]
    pub email: String,
    /// The password.
    #[schema(max_length = 128, format = Password)]
    pub password: String,
    /// Which tenant, when the address exists in several.
    pub tenant_id: Option<Uuid>,
    /// The same, by the tenant's domain.
    #[schema(max_length = 253)]
    pub domain: Option<String>,
}

impl Decode for Login {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let email = form.required("email", text(1, 254));
        let password = form.required("password", text(1, 128));
        let tenant_id = form.optional("tenant_id", uuid);
        let domain = form.optional("domain", text(1, 253));
        Some(Self { email: email?, password: password?, tenant_id: tenant_id?, domain: domain? })
    }
}

/// The answer to a sign-in or a refresh.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// The signed access token.
    pub access_token: String,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: String,
    /// Seconds until the access token expires.
    pub expires_in: u64,
    /// Trades itself for the next pair, once. Only with `?transport=body`; else it is in a cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// A platform operator's wish to act as a user.
#[derive(Clone, Deserialize, ToSchema)]
pub struct Impersonate {
    /// As whom.
    pub user_id: Uuid,
    /// Why; it is kept, and the tenant may be shown it.
    #[schema(
        min_length = 3,
        max_length = 200,
        example = "Chamado 4711: não vê a agenda de amanhã"
    )]
    pub reason: String,
}

impl Decode for Impersonate {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let user_id = form.required("user_id", uuid);
        let reason = form.required("reason", text(3, 200));
        Some(Self { user_id: user_id?, reason: reason? })
    }
}

/// One place where a user is signed in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// The session's id; its refresh tokens are one family.
    pub id: Uuid,
    /// When the user signed in.
    pub created_at: DateTime<Utc>,
    /// When tokens were last issued.
    pub last_used_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// What the client said it is.
    pub user_agent: Option<String>,
    /// From which address.
    pub ip: Option<String>,
    /// The operator who acts as the user in this session.
    pub impersonated_by: Option<Uuid>,
    /// Whether it is the session of this very request.
    pub current: bool,
}
