//! What Marca holds about a person: how it travels between services, and the document a person gets.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api_key::ApiKeyView;
use crate::booking::BookingView;
use crate::calendar::CalendarView;
use crate::link::LinkView;
use crate::user::UserView;
use crate::waitlist::WaitlistView;

/// The most rows of one page of `GET /internal/v1/personal-data/{user_id}`.
pub const MOST: u64 = 500;

/// What a row of the booking service is about: its `kind`. In the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// A booking.
    Bookings,
    /// The rule of a series.
    Series,
    /// An entry of the waiting list.
    Waitlist,
    /// A link to a booking.
    Links,
    /// A calendar.
    Calendars,
}

impl Part {
    /// The wire value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bookings => "bookings",
            Self::Series => "series",
            Self::Waitlist => "waitlist",
            Self::Links => "links",
            Self::Calendars => "calendars",
        }
    }
}

/// `GET /internal/v1/personal-data/{user_id}?tenant_id=&cursor=&limit=`: a part of what a service holds
/// about a user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PersonalPage {
    /// Rows, each of the service's own shape.
    pub rows: Vec<Value>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// Whether a document is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportStatus {
    /// It is being put together.
    Pending,
}

/// A document that is being put together.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExportPending {
    /// Always `pending`.
    pub status: ExportStatus,
    /// Since when.
    pub requested_at: DateTime<Utc>,
}

/// Everything held about a user.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct PersonalExport {
    /// The user. The password's hash is not in it.
    pub user: UserView,
    /// Where the user was signed in, the oldest first.
    pub sessions: Vec<SessionRecord>,
    /// API keys of the tenant that the user made. The keys themselves are nowhere.
    pub api_keys: Vec<ApiKeyView>,
    /// Codes for a new password that were asked for.
    pub password_recoveries: Vec<RecoveryRecord>,
    /// What auditors were told about the user, as long as it is kept.
    pub security_events: Vec<SecurityRecord>,
    /// Bookings made for the user, or with the user as the client.
    pub bookings: Vec<BookingView>,
    /// What the user waits for.
    #[serde(default)]
    pub waitlist: Vec<WaitlistView>,
    /// Calendars that show the user's bookings, or that the user made. Their addresses are nowhere.
    #[serde(default)]
    pub calendars: Vec<CalendarView>,
    /// Links to the user's bookings, and those the user made. Their tokens are nowhere.
    #[serde(default)]
    pub booking_links: Vec<LinkView>,
    /// What the other services hold, by their names: of `booking` the rules of series.
    #[schema(value_type = BTreeMap<String, Vec<Object>>)]
    pub elsewhere: BTreeMap<String, Vec<Value>>,
    /// When this was put together.
    pub generated_at: DateTime<Utc>,
}

/// A session of the user, over or not.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionRecord {
    /// Its id.
    pub id: Uuid,
    /// When the password was given.
    pub created_at: DateTime<Utc>,
    /// When tokens were last issued.
    pub last_used_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// When it was ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it was ended.
    pub ended_reason: Option<String>,
    /// What the client called itself.
    pub user_agent: Option<String>,
    /// The client's address.
    pub ip: Option<String>,
    /// The operator who acted as the user.
    pub impersonated_by: Option<Uuid>,
}

/// A code for a new password. The code itself is nowhere.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecoveryRecord {
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it was mailed.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was used, or made useless.
    pub used_at: Option<DateTime<Utc>>,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// What auditors were told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SecurityRecord {
    /// `security.signed_in`, …
    #[schema(example = "security.signed_in")]
    pub event_type: String,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// Whom and what it concerns.
    #[schema(value_type = Object)]
    pub payload: Value,
}
