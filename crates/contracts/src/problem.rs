//! The one shape of every error answer.

use chrono::{DateTime, FixedOffset, Utc};
use scheduling::{Span, Zone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::resource::ExplanationView;

/// The body of every answer with a status of 400 or more.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// Always `false`.
    pub success: bool,
    /// A stable `snake_case` code for programs.
    pub error: String,
    /// A sentence for people, in the language asked for by `Accept-Language` (pt-BR, en or es).
    pub message: String,
    /// Equals the `x-request-id` header of the answer; quote it when you report a problem.
    pub trace_id: String,
    /// With `validation`: every bad field of the request at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldFault>,
    /// With `conflict` on a booking: every booking in the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// With `held`: when the first of the holds in the way expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<DateTime<Utc>>,
    /// With `capacity_exceeded`: the places left during the whole of the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u32>,
    /// With `limit_exceeded`, `too_soon` and other rules: the value that applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// With `outcome_unknown`: the booking that may have been made. Read it before trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking_id: Option<Uuid>,
    /// Of a series or a group: every booking of it that is refused, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub occurrences: Vec<RefusedOccurrence>,
    /// With `insufficient_resources`: the items of the group that cannot be met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<UnmetItem>,
    /// Of a booking or a hold that the rules or others refuse: the layer and the rule that refuse it, and
    /// until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<ExplanationView>,
    /// With `explanation`: up to three times as long as the one refused that could be booked, the nearest
    /// within seven days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternatives: Option<Vec<Alternative>>,
}

/// Why a booking was refused, and what could be had instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalExplained {
    /// The layer and the rule that refuse it, and until when.
    pub explanation: ExplanationView,
    /// Up to three times as long as the one refused that could be booked: the nearest within seven days.
    pub alternatives: Vec<Alternative>,
}

/// A time that could be booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alternative {
    /// When it starts, in the tenant's zone.
    pub start_time: DateTime<FixedOffset>,
    /// When it ends.
    pub end_time: DateTime<FixedOffset>,
}

impl Alternative {
    /// A span as it is told, in the tenant's zone.
    pub fn new(span: Span, zone: &Zone) -> Self {
        Self { start_time: zone.local(span.start()), end_time: zone.local(span.end()) }
    }
}

/// A booking of a series or a group that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedOccurrence {
    /// When it would start, or starts.
    pub start_time: DateTime<Utc>,
    /// The booking, if it is made already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking_id: Option<Uuid>,
    /// What it is of, where that is not one resource for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<Uuid>,
    /// The stable code, as of a booking by itself.
    pub code: String,
    /// Why, for people.
    pub message: String,
    /// The bookings in its way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Of the first 20: the layer and the rule that refuse it, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<ExplanationView>,
    /// With `explanation`: up to three times that could be booked instead, the nearest within seven days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternatives: Option<Vec<Alternative>>,
}

/// An item of a group that cannot be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnmetItem {
    /// Its place in `items`, from 0.
    pub item: u32,
    /// How many resources it wants.
    pub wanted: u32,
    /// How many are free.
    pub free: u32,
}

/// One bad field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldFault {
    /// Where it stands: `settings.booking_interval`, `fields[2].key`, `body` for the whole.
    pub path: String,
    /// A stable code: `missing`, `null`, `type`, `unknown`, `length`, `range`, `format`, `choice`, …
    pub code: String,
    /// What is wrong, for people.
    pub message: String,
}

impl FieldFault {
    /// A fault at `path`.
    pub fn new(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { path: path.into(), code: code.to_owned(), message: message.into() }
    }
}

/// A booking that is in the way of a request. It tells when, never whose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Conflict {
    /// The booking's id.
    pub booking_id: Uuid,
    /// Its start.
    pub start_time: DateTime<Utc>,
    /// Its end.
    pub end_time: DateTime<Utc>,
}
