//! Events: what a service tells the world once a change is committed. Streams, names and payloads
//! are the contract's (§8); `docs/EVENT_ARCHITECTURE.md` has an example of each.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{BookingStatus, Service};

/// The stream of booking events (`EVENT_STREAM` overrides it).
pub const BOOKING_STREAM: &str = "booking-events";
/// The stream of tenant, user, resource and category events.
pub const DIRECTORY_STREAM: &str = "directory-events";
/// The version of the envelope and the payloads.
pub const SCHEMA_VERSION: u32 = 1;

/// One entry of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// `booking.created`, …
    pub event_type: String,
    /// What happened.
    pub payload: Value,
    /// About the event itself.
    pub metadata: Metadata,
}

/// About an event itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Unique; the same on every redelivery.
    pub event_id: Uuid,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// When the change was made.
    pub occurred_at: DateTime<Utc>,
    /// The booking, tenant, user, resource or category that changed.
    pub aggregate_id: Uuid,
    /// The aggregate's version after the change: 1, 2, 3 … without gaps per booking.
    pub sequence: i64,
    /// The request that caused it.
    pub trace_id: String,
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The producing service.
    pub source: Service,
    /// Place in the producer's log: 1, 2, 3 … without gaps per source. 0 = not numbered yet.
    #[serde(default)]
    pub position: i64,
}

/// An event of a booking.
#[derive(Debug, Clone, PartialEq)]
pub enum BookingEvent {
    /// `booking.created`.
    Created(BookingCreated),
    /// `booking.updated`.
    Updated(BookingUpdated),
    /// `booking.cancelled`.
    Cancelled(BookingCancelled),
    /// `booking.status_changed`.
    StatusChanged(BookingStatusChanged),
}

/// A booking was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookingCreated {
    /// The booking.
    pub booking_id: Uuid,
    /// For whom.
    pub user_id: Uuid,
    /// What is booked.
    pub resource_id: Uuid,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// Its first state.
    pub status: BookingStatus,
    /// Start, with offset.
    pub start_time: DateTime<Utc>,
    /// End, with offset.
    pub end_time: DateTime<Utc>,
}

/// Fields of a booking changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookingUpdated {
    /// The booking.
    pub booking_id: Uuid,
    /// For whom.
    pub user_id: Uuid,
    /// What is booked now.
    pub resource_id: Uuid,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// `{field: {old, new}}`, real changes only.
    pub changes: Map<String, Value>,
    /// The link by which it was changed, if it was by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_id: Option<Uuid>,
}

/// A booking was cancelled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookingCancelled {
    /// The booking.
    pub booking_id: Uuid,
    /// For whom it was.
    pub user_id: Uuid,
    /// What is free again.
    pub resource_id: Uuid,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// Why.
    pub reason: Option<String>,
    /// Who; null when the system did.
    pub cancelled_by: Option<Uuid>,
    /// The link by which it was cancelled, if it was by one: whoever had it, in the owner's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_id: Option<Uuid>,
    /// Start, with offset.
    pub start_time: DateTime<Utc>,
    /// End, with offset.
    pub end_time: DateTime<Utc>,
}

/// A booking's status changed, other than by cancelling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookingStatusChanged {
    /// The booking.
    pub booking_id: Uuid,
    /// For whom.
    pub user_id: Uuid,
    /// What is booked.
    pub resource_id: Uuid,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// Before.
    pub old_status: BookingStatus,
    /// After.
    pub new_status: BookingStatus,
    /// Start, with offset.
    pub start_time: DateTime<Utc>,
    /// End, with offset.
    pub end_time: DateTime<Utc>,
}

impl BookingEvent {
    /// The wire name.
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Created(_) => "booking.created",
            Self::Updated(_) => "booking.updated",
            Self::Cancelled(_) => "booking.cancelled",
            Self::StatusChanged(_) => "booking.status_changed",
        }
    }

    /// The wire payload.
    pub fn payload(&self) -> Value {
        match self {
            Self::Created(event) => to_value(event),
            Self::Updated(event) => to_value(event),
            Self::Cancelled(event) => to_value(event),
            Self::StatusChanged(event) => to_value(event),
        }
    }

    /// The same event, told to have been caused by a link, if it was by one. A link neither makes a
    /// booking nor sets a status.
    #[must_use]
    pub fn by_link(mut self, link: Option<Uuid>) -> Self {
        match &mut self {
            Self::Updated(event) => event.link_id = link,
            Self::Cancelled(event) => event.link_id = link,
            Self::Created(_) | Self::StatusChanged(_) => {}
        }
        self
    }

    /// Takes the words that people wrote out of a payload: reasons and notes. Whether there were any.
    pub fn forget_words(payload: &mut Value) -> bool {
        let mut found = false;
        let mut take = |word: Option<&mut Value>| {
            if let Some(word) = word.filter(|word| !word.is_null()) {
                *word = Value::Null;
                found = true;
            }
        };
        take(payload.get_mut("reason"));
        for field in ["notes", "cancellation_reason"] {
            for side in ["old", "new"] {
                take(payload.pointer_mut(&format!("/changes/{field}/{side}")));
            }
        }
        found
    }

    /// Every resource whose availability this event may have changed.
    pub fn resources(envelope: &Envelope) -> Vec<Uuid> {
        let read =
            |value: Option<&Value>| value.and_then(Value::as_str).and_then(|id| id.parse().ok());
        let moved = envelope.payload.get("changes").and_then(|changes| changes.get("resource_id"));
        let mut ids: Vec<Uuid> = [
            read(envelope.payload.get("resource_id")),
            moved.and_then(|change| read(change.get("old"))),
            moved.and_then(|change| read(change.get("new"))),
        ]
        .into_iter()
        .flatten()
        .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

fn to_value<T: Serialize>(event: &T) -> Value {
    serde_json::to_value(event).unwrap_or(Value::Null)
}

/// An event of the directory: a tenant, user, resource or category changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryEvent {
    /// `tenant.updated`.
    TenantUpdated,
    /// `tenant.settings_changed`.
    TenantSettingsChanged,
    /// `tenant.deleted`.
    TenantDeleted,
    /// `user.updated`.
    UserUpdated,
    /// `user.deleted`.
    UserDeleted,
    /// `resource.created`: for those who keep all of a tenant's resources.
    ResourceCreated,
    /// `resource.updated`.
    ResourceUpdated,
    /// `resource.deleted`.
    ResourceDeleted,
    /// `category.updated`.
    CategoryUpdated,
    /// `exception.changed`: made, changed or deleted.
    ExceptionChanged,
}

impl DirectoryEvent {
    /// Every event with its wire name.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::TenantUpdated, "tenant.updated"),
        (Self::TenantSettingsChanged, "tenant.settings_changed"),
        (Self::TenantDeleted, "tenant.deleted"),
        (Self::UserUpdated, "user.updated"),
        (Self::UserDeleted, "user.deleted"),
        (Self::ResourceCreated, "resource.created"),
        (Self::ResourceUpdated, "resource.updated"),
        (Self::ResourceDeleted, "resource.deleted"),
        (Self::CategoryUpdated, "category.updated"),
        (Self::ExceptionChanged, "exception.changed"),
    ];

    /// The wire name.
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::TenantUpdated => "tenant.updated",
            Self::TenantSettingsChanged => "tenant.settings_changed",
            Self::TenantDeleted => "tenant.deleted",
            Self::UserUpdated => "user.updated",
            Self::UserDeleted => "user.deleted",
            Self::ResourceCreated => "resource.created",
            Self::ResourceUpdated => "resource.updated",
            Self::ResourceDeleted => "resource.deleted",
            Self::CategoryUpdated => "category.updated",
            Self::ExceptionChanged => "exception.changed",
        }
    }

    /// Reads the wire name; `None` for an event of another stream or of the future.
    pub fn parse(event_type: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == event_type).map(|(event, _)| *event)
    }

    /// The wire payload: whose it is and what changed.
    pub fn payload(self, tenant_id: Uuid, id: Uuid) -> Value {
        let key = match self {
            Self::TenantUpdated | Self::TenantSettingsChanged | Self::TenantDeleted => "tenant_id",
            Self::UserUpdated | Self::UserDeleted => "user_id",
            Self::ResourceCreated | Self::ResourceUpdated | Self::ResourceDeleted => "resource_id",
            Self::CategoryUpdated => "category_id",
            Self::ExceptionChanged => "exception_id",
        };
        let mut payload = Map::new();
        payload.insert("tenant_id".to_owned(), Value::String(tenant_id.to_string()));
        payload.insert(key.to_owned(), Value::String(id.to_string()));
        Value::Object(payload)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_words_of_people_leave_a_payload_and_nothing_else_does() {
        let mut edited = json!({
            "user_id": "u", "changes": {
                "notes": { "old": null, "new": "a" },
                "cancellation_reason": { "old": "b", "new": null },
                "client_id": { "old": "c", "new": "d" },
            },
        });
        assert!(BookingEvent::forget_words(&mut edited));
        let expected = json!({
            "user_id": "u", "changes": {
                "notes": { "old": null, "new": null },
                "cancellation_reason": { "old": null, "new": null },
                "client_id": { "old": "c", "new": "d" },
            },
        });
        assert_eq!(edited, expected);
        assert!(!BookingEvent::forget_words(&mut edited), "there are none left");
        let mut cancelled = json!({ "reason": "a", "cancelled_by": "u" });
        assert!(BookingEvent::forget_words(&mut cancelled));
        assert_eq!(cancelled, json!({ "reason": null, "cancelled_by": "u" }));
    }
}
