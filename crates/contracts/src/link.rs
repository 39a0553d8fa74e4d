//! Links to one booking, for people without an account.

use chrono::{DateTime, NaiveDate, Utc};
use scheduling::wall::TimeInput;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::BookingStatus;
use crate::form::{Decode, Form, choice, list, ordered, time};
use crate::problem::Alternative;
use crate::tenant::CustomLabels;

/// How every token of a link begins.
pub const LINK_TOKEN_PREFIX: &str = "ml_";
/// What stands after the prefix: 72 bytes in base64url.
pub const LINK_TOKEN_LENGTH: usize = 96;

/// What may be done by a link besides looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkAction {
    /// Move the booking to another time.
    Move,
    /// Cancel it.
    Cancel,
}

impl LinkAction {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Move, Self::Cancel];

    fn parse(word: &str) -> Option<Self> {
        match word {
            "move" => Some(Self::Move),
            "cancel" => Some(Self::Cancel),
            _ => None,
        }
    }
}

/// A new link.
#[derive(Debug, Clone, Default, ToSchema)]
pub struct CreateLink {
    /// When it stops, in the future and at most 90 days ahead; absent or null = at the booking's start,
    /// or in 90 days if that is earlier. Without an offset it is the tenant's local time.
    #[schema(value_type = Option<String>, format = DateTime, example = "2027-03-10T14:00:00Z")]
    pub expires_at: Option<TimeInput>,
    /// What it allows besides looking; absent or null = both.
    #[schema(max_items = 2)]
    pub allow: Option<Vec<LinkAction>>,
}

impl Decode for CreateLink {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let expires_at = form.optional("expires_at", time);
        let action = choice(&["move", "cancel"], LinkAction::parse);
        let allow = form.optional("allow", list(LinkAction::ALL.len(), action));
        Some(Self { expires_at: expires_at?, allow: allow? })
    }
}

/// A link as those see it who may change the booking. Its token is never in it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LinkView {
    /// Its id.
    pub id: Uuid,
    /// The booking it leads to, and to nothing else.
    pub booking_id: Uuid,
    /// When it stops.
    pub expires_at: DateTime<Utc>,
    /// What it allows besides looking.
    #[schema(max_items = 2)]
    pub allow: Vec<LinkAction>,
    /// Who made it; null = nobody who is still known.
    pub created_by: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// The answer to the making of a link: the only one that its token is in.
#[derive(Clone, Serialize, ToSchema)]
pub struct NewLinkView {
    /// Opens the booking to whoever has it. It is never shown again.
    #[schema(
        example = "ml_AZoAmnRDcTKgEeGOcakEMgAAAABuUrYw8yqVgB0mVt5nJc8wLz2sEd4fGa7uQo9iMp1xTkY0bR6qk1yXh3vVt5nJc8wLz2"
    )]
    pub token: String,
    /// The address to send: below `PUBLIC_URL`, or where the client came from if that is not set.
    #[schema(format = "uri", example = "https://agenda.example/bookings/links/ml_…")]
    pub url: String,
    /// What is seen of it from now on.
    #[serde(flatten)]
    pub view: LinkView,
}

/// Where a booking is moved to by a link.
#[derive(Debug, Clone, Copy, ToSchema)]
pub struct MoveBooking {
    /// RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, example = "2027-03-10T14:00:00Z")]
    pub start_time: TimeInput,
    /// RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, example = "2027-03-10T15:00:00Z")]
    pub end_time: TimeInput,
}

impl Decode for MoveBooking {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let start_time = form.required("start_time", time);
        let end_time = form.required("end_time", time);
        ordered(form, start_time.as_ref(), end_time.as_ref())?;
        Some(Self { start_time: start_time?, end_time: end_time? })
    }
}

/// A booking as a link shows it: when, where and what may be done, and nobody's name or id. What was
/// written to it (notes, reasons) is not in it either: links are passed on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LinkedBookingView {
    /// The booking's id.
    pub id: Uuid,
    /// Eight characters without look-alikes, unique.
    #[schema(example = "K7QM4XRT")]
    pub confirmation_code: String,
    /// Where it stands.
    pub status: BookingStatus,
    /// When it starts.
    pub start_time: DateTime<Utc>,
    /// When it ends.
    pub end_time: DateTime<Utc>,
    /// Places taken.
    pub quantity: u32,
    /// What is booked; null when it is no longer there.
    pub resource_name: Option<String>,
    /// With whom it is booked.
    pub tenant_name: String,
    /// The IANA time zone to show its times in.
    #[schema(example = "America/Sao_Paulo")]
    pub timezone: String,
    /// What the tenant calls things.
    pub custom_labels: CustomLabels,
    /// Whether it may be moved by this link now.
    pub can_move: bool,
    /// If so, until when.
    pub move_until: Option<DateTime<Utc>>,
    /// Whether it may be cancelled by this link now.
    pub can_cancel: bool,
    /// If so, until when.
    pub cancel_until: Option<DateTime<Utc>>,
    /// Grows by one with every change; the `ETag` of the booking.
    pub version: i64,
    /// When the link stops.
    pub expires_at: DateTime<Utc>,
}

/// Where a booking can be moved on a day.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LinkedSlotsView {
    /// The civil day.
    #[schema(example = "2027-03-04")]
    pub date: NaiveDate,
    /// The tenant's zone.
    #[schema(example = "America/Sao_Paulo")]
    pub timezone: String,
    /// Every time that can be had, in order.
    pub slots: Vec<Alternative>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::form::decode;

    #[test]
    fn nothing_asked_for_is_everything_by_default_and_an_empty_list_is_only_looking() {
        let bare: CreateLink = decode(&json!({})).unwrap();
        assert!(bare.expires_at.is_none() && bare.allow.is_none());
        let only: CreateLink = decode(&json!({ "allow": [] })).unwrap();
        assert_eq!(only.allow, Some(Vec::new()));
        let both: CreateLink = decode(&json!({ "allow": ["move", "cancel"] })).unwrap();
        assert_eq!(both.allow, Some(LinkAction::ALL.to_vec()));
        let faults =
            decode::<CreateLink>(&json!({ "allow": ["edit"], "expires_at": 7 })).unwrap_err();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, ["expires_at", "allow[0]"]);
    }
}
