//! What a search over many resources finds, and a range of days of one.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AvailabilityView, SlotView};

/// The resources that are free, the one that is free first first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SearchView {
    /// The tenant.
    pub tenant_id: Uuid,
    /// Its zone.
    pub timezone: String,
    /// First instant looked at.
    pub from: DateTime<FixedOffset>,
    /// First instant after.
    pub to: DateTime<FixedOffset>,
    /// Length of every start offered, in minutes.
    #[schema(example = 90)]
    pub duration: u32,
    /// Every booking made before this is counted for certain; later ones as soon as their event came.
    pub as_of: DateTime<FixedOffset>,
    /// By earliest start, then by name.
    pub resources: Vec<FreeResource>,
    /// `default` when the tenant's settings were never seen and cannot be reached; else absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_source: Option<String>,
}

/// A resource that is free, and from when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FreeResource {
    /// The resource.
    pub resource_id: Uuid,
    /// Its category.
    pub category_id: Uuid,
    /// Its name.
    pub name: String,
    /// How many people fit.
    pub capacity: u32,
    /// Its first starts that fit, in order. Each can be booked.
    pub starts: Vec<SlotView>,
}

/// The free slots of a resource on several civil days in a row.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AvailabilityDays {
    /// The resource.
    pub resource_id: Uuid,
    /// Its tenant.
    pub tenant_id: Uuid,
    /// The days, each as if it had been asked for alone. They end where the tenant's window ends.
    pub days: Vec<AvailabilityView>,
}

/// An event of the stream of changed days.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DayEvent {
    /// `open` at the beginning, `changed` when days changed, `reset` when events were missed that are no
    /// longer known: read anew.
    #[schema(example = "changed")]
    pub event: String,
    /// Where the stream goes on, as `Last-Event-ID`.
    pub id: String,
    /// JSON; of `changed` the date.
    #[schema(example = "{\"date\":\"2027-03-02\"}")]
    pub data: String,
}

/// A day, or with `days` a list of days.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Availability {
    /// One day.
    Day(AvailabilityView),
    /// Several.
    Days(AvailabilityDays),
}
