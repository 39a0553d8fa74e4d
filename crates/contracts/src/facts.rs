//! What one service tells another about its own objects, over the internal routes. Facts carry the
//! owner's version, so that an older answer never replaces a newer one.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

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
    /// What a `user` may do.
    pub permissions: Permissions,
    /// Whether the person may act.
    pub is_active: bool,
    /// Grows with every change.
    pub version: i64,
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
