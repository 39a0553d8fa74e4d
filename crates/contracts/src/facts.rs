//! What one service tells another about its own objects, over the internal routes. Facts carry the
//! owner's version, so that an older answer never replaces a newer one.

use chrono::{DateTime, Utc};
use scheduling::{Capacity, Claim, Span};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::authority::Preset;
use crate::exception::ExceptionFacts;
use crate::form::{Decode, Form, integer, list, nested, uuid};
use crate::policy::BookingPolicy;
use crate::problem::Conflict;
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
    /// Its name, for people.
    #[serde(default)]
    pub name: String,
    /// Whether it can be booked.
    pub status: ResourceStatus,
    /// Weekly hours, in either wire form.
    pub availability_schedule: Value,
    /// Its category.
    pub category_id: Uuid,
    /// Places, where bookings share it.
    pub capacity: u32,
    /// Whether bookings share it.
    #[serde(default)]
    pub shared: bool,
    /// What it asks of its bookings.
    #[serde(default)]
    pub booking_policy: BookingPolicy,
    /// What its category asks of them.
    #[serde(default)]
    pub category_policy: BookingPolicy,
    /// The exceptions of the resource, its category and its tenant that are not over.
    #[serde(default)]
    pub exceptions: Vec<ExceptionFacts>,
    /// Grows with every change.
    pub version: i64,
}

impl ResourceFacts {
    /// How many bookings it takes at one instant.
    pub fn places(&self) -> Capacity {
        if self.shared { Capacity::Shared(self.capacity) } else { Capacity::Exclusive }
    }
}

/// `GET /internal/v1/resources?tenant_id=&category_id=`: the resources of a category that can be booked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryFacts {
    /// The exceptions of the category and its tenant that are not over; said once, for all of them.
    pub exceptions: Vec<ExceptionFacts>,
    /// At most 500, by name; each with its own exceptions only.
    pub resources: Vec<ResourceFacts>,
}

impl CategoryFacts {
    /// Each resource with all of its exceptions.
    pub fn whole(self) -> Vec<ResourceFacts> {
        let shared = self.exceptions;
        let whole = |mut facts: ResourceFacts| {
            facts.exceptions.extend(shared.iter().cloned());
            facts
        };
        self.resources.into_iter().map(whole).collect()
    }
}

/// `GET /internal/v1/occupancy?tenant_id=&resource_id=&from=&to=`: the busy intervals of a resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OccupancyView {
    /// The claim of each active booking and living hold that overlaps the asked range, by start.
    pub claims: Vec<ClaimFacts>,
}

/// What one booking or hold takes of a resource. It tells when and how much, never whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimFacts {
    /// First instant, room before included.
    pub from: DateTime<Utc>,
    /// First instant after, room after included.
    pub to: DateTime<Utc>,
    /// Places.
    pub quantity: u32,
    /// Of a hold: when it stops to count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// `GET /internal/v1/occupancy/batch?tenant_id=&from=&ids=&cursor=`: the claims of several resources
/// that are not over at `from`, by resource and start, at most so many in one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OccupancyBatch {
    /// Of each resource that has any. One with many may come again in the next answer.
    pub resources: Vec<ResourceClaims>,
    /// Where the next answer goes on; absent = this was all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What is taken of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceClaims {
    /// The resource.
    pub id: Uuid,
    /// Its claims, short: there may be a million of them.
    pub claims: Vec<ClaimRow>,
}

/// A claim: from and to in seconds since 1970, places; of a hold, when it stops to count, in
/// microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRow(pub i64, pub i64, pub u32, pub Option<i64>);

impl ClaimRow {
    /// The claim as the pure rules read it; `None` if it has no length.
    pub fn claim(&self) -> Option<Claim> {
        let Self(from, to, quantity, expires) = *self;
        let at = |seconds| DateTime::<Utc>::from_timestamp(seconds, 0);
        let expires_at = expires.and_then(DateTime::from_timestamp_micros);
        Some(Claim { span: Span::new(at(from)?, at(to)?)?, quantity, expires_at })
    }
}

/// `GET /internal/v1/occupancy/bookings?tenant_id=&from=&to=&ids=&cursor=`: the bookings and living
/// holds of several resources whose claims overlap `[from, to)`, by resource and start of the claim, at
/// most so many in one answer. It tells when and how much, never whose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingsBatch {
    /// Of each resource that has any. One with many may come again in the next answer.
    pub resources: Vec<ResourceBookings>,
    /// Where the next answer goes on; absent = this was all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The bookings of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceBookings {
    /// The resource.
    pub id: Uuid,
    /// Its bookings and holds.
    pub bookings: Vec<BookingRow>,
}

/// A booking or a hold, and what it claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingRow {
    /// The booking.
    pub id: Uuid,
    /// Its own first instant, in seconds since 1970.
    pub start: i64,
    /// Its own first instant after.
    pub end: i64,
    /// For how many people.
    pub quantity: u32,
    /// What it takes, with the room before and after.
    pub claim: ClaimRow,
}

impl BookingRow {
    /// Its own time; `None` if it has no length.
    pub fn span(&self) -> Option<Span> {
        let at = |seconds| DateTime::<Utc>::from_timestamp(seconds, 0);
        Span::new(at(self.start)?, at(self.end)?)
    }

    /// Whether it is a hold, which nobody has confirmed yet.
    pub fn is_hold(&self) -> bool {
        self.claim.3.is_some()
    }
}

impl ClaimFacts {
    /// The claim as the pure rules read it; `None` if it has no length.
    pub fn claim(&self) -> Option<Claim> {
        let span = Span::new(self.from, self.to)?;
        Some(Claim { span, quantity: self.quantity, expires_at: self.expires_at })
    }
}

/// `POST /internal/v1/capacity`: shared resources are about to take fewer bookings at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityLowering {
    /// Whose resources they are.
    pub tenant_id: Uuid,
    /// Each of them, at most [`CapacityLowering::MOST`].
    pub resources: Vec<LoweredResource>,
}

/// One resource of a [`CapacityLowering`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoweredResource {
    /// The resource.
    pub resource_id: Uuid,
    /// The places it is about to have.
    pub places: u32,
    /// The version its facts will have then.
    pub version: i64,
}

/// Why a [`CapacityLowering`] is refused (409): these bookings need more, at most 50 of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityInTheWay {
    /// By start.
    pub conflicts: Vec<Conflict>,
}

impl CapacityLowering {
    /// The most resources of one lowering.
    pub const MOST: usize = 200;
}

impl Decode for CapacityLowering {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.required("tenant_id", uuid);
        let resources = form.required("resources", list(Self::MOST, nested::<LoweredResource>));
        Some(Self { tenant_id: tenant_id?, resources: resources? })
    }
}

impl Decode for LoweredResource {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let resource_id = form.required("resource_id", uuid);
        let places = form.required("places", integer(1, i64::from(i32::MAX)));
        let version = form.required("version", integer(1, i64::MAX));
        let places = u32::try_from(places?).ok()?;
        Some(Self { resource_id: resource_id?, places, version: version? })
    }
}
