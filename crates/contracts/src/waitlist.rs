//! The waiting list for times that are full.

use chrono::{DateTime, Utc};
use scheduling::wall::TimeInput;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::form::{Decode, Form, integer, ordered, time, uuid};

/// Who wants what, should it become free.
#[derive(Debug, Clone, ToSchema)]
pub struct JoinWaitlist {
    /// The tenant.
    pub tenant_id: Uuid,
    /// What is waited for.
    pub resource_id: Uuid,
    /// Who waits.
    pub user_id: Uuid,
    /// RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, example = "2027-03-10T14:00:00Z")]
    pub start_time: TimeInput,
    /// RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, example = "2027-03-10T15:00:00Z")]
    pub end_time: TimeInput,
    /// How many places of a shared resource; of an exclusive one it is the whole.
    #[schema(minimum = 1, maximum = 100_000, default = 1, required = false)]
    pub quantity: u32,
}

impl Decode for JoinWaitlist {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.required("tenant_id", uuid);
        let resource_id = form.required("resource_id", uuid);
        let user_id = form.required("user_id", uuid);
        let start_time = form.required("start_time", time);
        let end_time = form.required("end_time", time);
        let quantity = form.or("quantity", 1, integer(1, 100_000));
        ordered(form, start_time.as_ref(), end_time.as_ref())?;
        Some(Self {
            tenant_id: tenant_id?,
            resource_id: resource_id?,
            user_id: user_id?,
            start_time: start_time?,
            end_time: end_time?,
            quantity: u32::try_from(quantity?).ok()?,
        })
    }
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitlistStatus {
    /// Waits for a place.
    Aguardando,
    /// A place is held for it.
    Oferecida,
    /// The place was taken.
    Aceita,
    /// The place was given up or not taken in time.
    Perdida,
}

/// An entry of a waiting list. It goes when its time begins.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WaitlistView {
    /// Its id.
    pub id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// What is waited for.
    pub resource_id: Uuid,
    /// Who waits.
    pub user_id: Uuid,
    /// When it starts.
    pub start_time: DateTime<Utc>,
    /// When it ends.
    pub end_time: DateTime<Utc>,
    /// Places wanted.
    pub quantity: u32,
    /// Where it stands.
    pub status: WaitlistStatus,
    /// While it waits: how many are served before it, and itself, of those whose times overlap.
    #[schema(minimum = 1)]
    pub position: Option<u64>,
    /// Once a place was offered: the hold, a booking.
    pub booking_id: Option<Uuid>,
    /// While a place is held, and only for who waits: confirms the hold, or gives it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_token: Option<String>,
    /// While a place is held: until when.
    pub expires_at: Option<DateTime<Utc>>,
    /// Since when it waits: the order of the list.
    pub created_at: DateTime<Utc>,
}

/// `waitlist.offered`: a place is held for somebody who waited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitlistOffered {
    /// The entry.
    pub entry_id: Uuid,
    /// The hold. Its token is in no event.
    pub booking_id: Uuid,
    /// Who waited.
    pub user_id: Uuid,
    /// What is held.
    pub resource_id: Uuid,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// Places.
    pub quantity: u32,
    /// Start, with offset.
    pub start_time: DateTime<Utc>,
    /// End, with offset.
    pub end_time: DateTime<Utc>,
    /// Until when it is held.
    pub expires_at: DateTime<Utc>,
}

impl WaitlistOffered {
    /// The wire name.
    pub const EVENT_TYPE: &'static str = "waitlist.offered";
}
