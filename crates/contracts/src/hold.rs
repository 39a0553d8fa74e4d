//! Holds: a place kept for a moment by whoever has its token.

use scheduling::wall::TimeInput;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::booking::BookingView;
use crate::form::{Decode, Form, integer, ordered, text, time, uuid};

/// How every token of a hold begins.
pub const HOLD_TOKEN_PREFIX: &str = "mh_";

/// A new hold.
#[derive(Debug, Clone, ToSchema)]
pub struct PlaceHold {
    /// The tenant.
    pub tenant_id: Uuid,
    /// What is held.
    pub resource_id: Uuid,
    /// For whom.
    pub user_id: Uuid,
    /// RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, example = "2027-03-10T14:00:00Z")]
    pub start_time: TimeInput,
    /// RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, example = "2027-03-10T15:00:00Z")]
    pub end_time: TimeInput,
    /// How many places of a shared resource; of an exclusive one it takes the whole.
    #[schema(minimum = 1, maximum = 100_000, default = 1, required = false)]
    pub quantity: u32,
    /// The client served, when it is not the user.
    pub client_id: Option<Uuid>,
}

impl Decode for PlaceHold {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.required("tenant_id", uuid);
        let resource_id = form.required("resource_id", uuid);
        let user_id = form.required("user_id", uuid);
        let start_time = form.required("start_time", time);
        let end_time = form.required("end_time", time);
        let quantity = form.or("quantity", 1, integer(1, 100_000));
        let client_id = form.optional("client_id", uuid);
        ordered(form, start_time.as_ref(), end_time.as_ref())?;
        Some(Self {
            tenant_id: tenant_id?,
            resource_id: resource_id?,
            user_id: user_id?,
            start_time: start_time?,
            end_time: end_time?,
            quantity: u32::try_from(quantity?).ok()?,
            client_id: client_id?,
        })
    }
}

/// The proof that one is who made a hold.
#[derive(Clone, ToSchema)]
pub struct HoldToken {
    /// The `hold_token` that the hold was answered with.
    #[schema(min_length = 1, max_length = 100)]
    pub hold_token: String,
}

impl Decode for HoldToken {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        Some(Self { hold_token: form.required("hold_token", text(1, 100))? })
    }
}

/// The answer to the making of a hold: the only one that its token is in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct HoldView {
    /// Confirms, extends and releases the hold. It is never shown again.
    #[schema(example = "mh_0bR6qk1yXh3vVt5nJc8wLz2sEd4fGa7uQo9iMp1xTkY")]
    pub hold_token: String,
    /// The hold, a booking in state `reservado`.
    #[serde(flatten)]
    pub booking: BookingView,
}
