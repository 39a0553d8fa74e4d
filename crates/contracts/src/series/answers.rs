//! What is answered about a series.

use chrono::{DateTime, NaiveDateTime, Utc};
use scheduling::{MissingDay, Occurrence, SeriesEnd};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::SeriesMode;
use crate::BookingStatus;
use crate::booking::{BookingView, RecurringPattern};
use crate::problem::RefusedOccurrence;

/// A series as it was made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SeriesMade {
    /// Its id: the `series_id` of its bookings.
    pub series_id: Uuid,
    /// What became of occurrences that could not be booked.
    pub mode: SeriesMode,
    /// The bookings made, by start.
    pub bookings: Vec<BookingView>,
    /// Occurrences that could not be booked.
    pub skipped: Vec<RefusedOccurrence>,
    /// Occurrences whose clock time the clock skips: they begin later by the length of the gap.
    pub shifted: Vec<ShiftedOccurrence>,
    /// Days that the rule names and that do not exist.
    #[schema(example = json!(["2027-02-30"]))]
    pub missing: Vec<String>,
    /// Why there are no more occurrences.
    pub ended: SeriesEnded,
}

/// A series as it would be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SeriesPreview {
    /// `preview`.
    pub mode: SeriesMode,
    /// The bookings that would be made, by start.
    pub bookings: Vec<PreviewedBooking>,
    /// Occurrences that cannot be booked.
    pub skipped: Vec<RefusedOccurrence>,
    /// Occurrences whose clock time the clock skips.
    pub shifted: Vec<ShiftedOccurrence>,
    /// Days that the rule names and that do not exist.
    pub missing: Vec<String>,
    /// Why there are no more occurrences.
    pub ended: SeriesEnded,
}

/// A booking that would be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PreviewedBooking {
    /// What would be booked.
    pub resource_id: Uuid,
    /// When it would start.
    pub start_time: DateTime<Utc>,
    /// When it would end.
    pub end_time: DateTime<Utc>,
    /// Its first state.
    pub status: BookingStatus,
    /// Places it would take.
    pub quantity: u32,
}

/// An occurrence that begins later than its rule says, since the clock skips that time.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ShiftedOccurrence {
    /// When it starts.
    pub start_time: DateTime<Utc>,
    /// What the clock would show by the rule, in the zone of the series.
    #[schema(value_type = String, example = "2027-03-14T02:30:00")]
    pub wall: NaiveDateTime,
    /// What it shows.
    #[schema(value_type = String, example = "2027-03-14T03:30:00")]
    pub shifted_to: NaiveDateTime,
}

impl ShiftedOccurrence {
    /// Tells of an occurrence, if it is one.
    pub fn of(occurrence: &Occurrence) -> Option<Self> {
        let shifted_to = occurrence.shift?.to;
        Some(Self { start_time: occurrence.span.start(), wall: occurrence.wall, shifted_to })
    }
}

/// Why a series has no further occurrences.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SeriesEnded {
    /// Why.
    pub reason: SeriesEndReason,
    /// The first occurrence that was not looked at any more.
    pub next: Option<DateTime<Utc>>,
}

/// Why a series has no further occurrences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SeriesEndReason {
    /// `COUNT` is reached.
    Count,
    /// `UNTIL` or `end_date` is reached.
    Until,
    /// There are 400.
    Occurrences,
    /// 24 months are over.
    Months,
    /// The next would be too far ahead.
    Window,
}

impl From<SeriesEnd> for SeriesEnded {
    fn from(end: SeriesEnd) -> Self {
        let (reason, next) = match end {
            SeriesEnd::Count => (SeriesEndReason::Count, None),
            SeriesEnd::Until => (SeriesEndReason::Until, None),
            SeriesEnd::Occurrences { next } => (SeriesEndReason::Occurrences, Some(next)),
            SeriesEnd::Months => (SeriesEndReason::Months, None),
            SeriesEnd::Window { next } => (SeriesEndReason::Window, Some(next)),
        };
        Self { reason, next: next.map(|next| next.span.start()) }
    }
}

/// Days that do not exist, as they are told.
pub fn missing(days: &[MissingDay]) -> Vec<String> {
    days.iter().map(ToString::to_string).collect()
}

/// A series and its bookings.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SeriesView {
    /// Its id.
    pub id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// What was booked.
    pub resource_id: Uuid,
    /// For whom.
    pub user_id: Uuid,
    /// Its rule, if it is a pattern.
    #[schema(value_type = Option<RecurringPattern>)]
    pub recurring_pattern: Option<Value>,
    /// Its rule, if it is one of RFC 5545.
    pub rrule: Option<String>,
    /// What the clock shows at the first start, in `timezone`.
    #[schema(value_type = String, example = "2027-03-10T14:00:00")]
    pub wall_start: NaiveDateTime,
    /// The zone it keeps to.
    pub timezone: String,
    /// How long an occurrence lasts, in seconds.
    pub duration_seconds: i64,
    /// The series it was split from.
    pub split_from: Option<Uuid>,
    /// Set when later occurrences were split from it: the first of them, as its rule placed it.
    pub ends_before: Option<DateTime<Utc>>,
    /// Grows with every change of the series as a whole.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed as a whole.
    pub updated_at: DateTime<Utc>,
    /// A page of its bookings, cancelled ones too, by start.
    pub bookings: Vec<BookingView>,
}

/// What a change of several bookings of a series came to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SeriesChanged {
    /// The series of the bookings changed: a new one where the series was split.
    pub series_id: Uuid,
    /// The bookings as they are now, by start.
    pub bookings: Vec<BookingView>,
    /// Bookings that could not be changed.
    pub refused: Vec<RefusedOccurrence>,
}

/// The answer to a change: the booking, or with `scope=following|all` the bookings of the series.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ChangeAnswer {
    /// Of one booking.
    One(Box<BookingView>),
    /// Of several.
    Several(SeriesChanged),
}
