//! API keys: how an integration signs in for a tenant.

use chrono::{DateTime, Utc};
use scheduling::wall::TimeInput;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::form::{Decode, Form, nested, text, time};
use crate::user::Permissions;

/// What every API key begins with.
pub const API_KEY_PREFIX: &str = "mk_";
/// The characters of a key that its tenant sees in lists: `mk_` and eight.
pub const SHOWN: usize = API_KEY_PREFIX.len() + 8;
/// A whole key: what is shown, `_`, and 32 random bytes in base64url.
const LENGTH: usize = SHOWN + 1 + 43;

/// Whether `key` can be an API key at all. What cannot is looked up nowhere.
pub fn is_api_key(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    key.len() == LENGTH
        && key.starts_with(API_KEY_PREFIX)
        && key.as_bytes().get(SHOWN) == Some(&b'_')
        && key.bytes().all(plain)
}

/// A new API key.
#[derive(Clone, ToSchema)]
pub struct CreateApiKey {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100, example = "Site da academia")]
    pub name: String,
    /// What it may do.
    pub scopes: Permissions,
    /// When it stops, in the future; absent or null = never. Without an offset it is the tenant's
    /// local time.
    #[schema(value_type = Option<String>, format = DateTime, example = "2028-01-01T00:00:00Z")]
    pub expires_at: Option<TimeInput>,
}

impl Decode for CreateApiKey {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let name = form.required("name", text(1, 100));
        let scopes = form.required("scopes", nested::<Permissions>);
        let expires_at = form.optional("expires_at", time);
        Some(Self { name: name?, scopes: scopes?, expires_at: expires_at? })
    }
}

/// The answer to the making of a key: the only one the key itself is in.
#[derive(Clone, Serialize, ToSchema)]
pub struct NewApiKeyView {
    /// The key, for `Authorization: Bearer …`. It is never shown again.
    #[schema(example = "mk_7Gk2mPq9_0bR6qk1yXh3vVt5nJc8wLz2sEd4fGa7uQo9iMp1xTkY")]
    pub key: String,
    /// What its tenant's admins see of it from now on.
    #[serde(flatten)]
    pub view: ApiKeyView,
}

/// An API key as its tenant's admins see it. The key itself is never in it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyView {
    /// The key's id.
    pub id: Uuid,
    /// The tenant it acts for.
    pub tenant_id: Uuid,
    /// What it is for.
    pub name: String,
    /// How it begins, to tell it from others.
    #[schema(example = "mk_7Gk2mPq9")]
    pub prefix: String,
    /// What it may do.
    pub scopes: Permissions,
    /// When it stops; null = never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to within a few minutes; null = never.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was revoked; null = it was not.
    pub revoked_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shape_of_a_key_is_one() {
        let key = format!("mk_7Gk2mPq9_{}", "a-Z_0".repeat(9).get(..43).unwrap());
        assert!(is_api_key(&key));
        for other in [
            String::new(),
            "mk_".to_owned(),
            key.replacen("mk_", "mr_", 1),
            key.replacen("9_", "99", 1),
            key.replacen('-', "é", 1),
            key.replacen('-', " ", 1),
            format!("{key}a"),
            key.get(1..).unwrap().to_owned(),
        ] {
            assert!(!is_api_key(&other), "{other}");
        }
    }
}
