//! The one shape of every error answer.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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
