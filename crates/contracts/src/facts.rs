//! What one service tells another about its own objects, over the internal routes. Facts carry the
//! owner's version, so that an older answer never replaces a newer one.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::authority::Preset;
use crate::resource::ResourceStatus;
use crate::tenant::Settings;
use crate::user::{Permissions, UserType};

/// `GET /internal/v1/tenants/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantFacts {
    /// The tenant.
    pub id: Uuid,
    /// Its name, for letters to its people.
    #[serde(default)]
    pub name: String,
    /// Whether it takes part.
    pub is_active: bool,
    /// Its rules.
    pub settings: Settings,
    /// Grows with every change.
    pub version: i64,
}

/// `GET /internal/v1/tenants?domain=`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TenantRef {
    /// The tenant of that domain.
    pub id: Uuid,
}

/// `GET /internal/v1/users/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFacts {
    /// The user.
    pub id: Uuid,
    /// The user's tenant.
    pub tenant_id: Uuid,
    /// Admin or user.
    pub user_type: UserType,
    /// What a `user` may do in all: single permissions and those of the preset.
    pub permissions: Permissions,
    /// The preset, for services whose own authority goes by its name.
    #[serde(default)]
    pub preset: Option<Preset>,
    /// Whether the person may act.
    pub is_active: bool,
    /// Grows with every change.
    pub version: i64,
}

/// `GET /internal/v1/sessions/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFacts {
    /// The session.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// Whether its access tokens still count.
    pub is_active: bool,
}

/// `GET /internal/v1/api-keys/{SHA-256 of the key, hexadecimal}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyFacts {
    /// The key.
    pub id: Uuid,
    /// The tenant it acts for.
    pub tenant_id: Uuid,
    /// What it may do.
    pub scopes: Permissions,
    /// When it stops.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it was not revoked.
    pub is_active: bool,
}

/// `GET /internal/v1/resources/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceFacts {
    /// The resource.
    pub id: Uuid,
    /// Its tenant.
    pub tenant_id: Uuid,
    /// Whether it can be booked.
    pub status: ResourceStatus,
    /// Weekly hours, in either wire form.
    pub availability_schedule: Value,
    /// Grows with every change.
    pub version: i64,
}

/// `GET /internal/v1/occupancy?tenant_id=&resource_id=&from=&to=`: the busy intervals of a resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OccupancyView {
    /// Start and end of each active booking that overlaps the asked range, by start.
    pub busy: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}
