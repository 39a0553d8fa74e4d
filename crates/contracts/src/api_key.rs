//! API keys: how an integration signs in for a tenant.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::user::Permissions;

/// What every API key begins with.
pub const API_KEY_PREFIX: &str = "mk_";

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
