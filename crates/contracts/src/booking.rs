//! Bookings.

use chrono::{DateTime, NaiveDate, Utc};
use scheduling::recurrence::Recurrence;
use scheduling::wall::TimeInput;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::BookingStatus;
use crate::form::{
    Change, Decode, Faults, Form, boolean, choice, integer, ordered, text, time, uuid,
};
use crate::series::{BookedSeriesMode, SeriesMode, booked_mode};

/// The states that take their interval: those a booking may begin in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActiveStatus {
    /// Waits for a confirmation.
    Pendente,
    /// Confirmed.
    Confirmado,
}

/// The states that can be set: every one but that of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettableStatus {
    /// Waits for a confirmation.
    Pendente,
    /// Confirmed.
    Confirmado,
    /// Cancelled.
    Cancelado,
    /// Took place.
    Concluido,
    /// Nobody told how it ended.
    SemDados,
    /// Nobody came.
    NaoCompareceu,
}

impl SettableStatus {
    const WORDS: &'static [&'static str] =
        &["pendente", "confirmado", "cancelado", "concluido", "sem_dados", "nao_compareceu"];
}

/// A new booking.
#[derive(Debug, Clone, ToSchema)]
pub struct PlaceBooking {
    /// The tenant.
    pub tenant_id: Uuid,
    /// What is booked.
    pub resource_id: Uuid,
    /// For whom.
    pub user_id: Uuid,
    /// RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, example = "2027-03-10T14:00:00Z")]
    pub start_time: TimeInput,
    /// RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, example = "2027-03-10T15:00:00Z")]
    pub end_time: TimeInput,
    /// The client served, when it is not the user.
    pub client_id: Option<Uuid>,
    /// Free text.
    #[schema(max_length = 2000)]
    pub notes: Option<String>,
    /// `pendente` or `confirmado` (not by a plain user); absent = the tenant's default.
    #[schema(value_type = Option<ActiveStatus>)]
    pub status: Option<BookingStatus>,
    /// How many places of a shared resource; of an exclusive one it takes the whole.
    #[schema(minimum = 1, maximum = 100_000, default = 1, required = false)]
    pub quantity: u32,
    /// Whether it repeats. With a `recurring_pattern` it makes a series: see `POST /bookings/series`.
    #[schema(required = false, default = false)]
    pub recurring_enabled: bool,
    /// How the booking repeats.
    #[schema(value_type = Option<RecurringPattern>)]
    pub recurring_pattern: Option<Value>,
    /// With `recurring_enabled` and a pattern: `fail` (the default) or `skip`.
    #[schema(value_type = Option<BookedSeriesMode>)]
    pub series_mode: Option<SeriesMode>,
}

impl PlaceBooking {
    /// With nothing but what has to be sent, and the `quantity`.
    pub const fn plain(
        tenant_id: Uuid,
        resource_id: Uuid,
        user_id: Uuid,
        (start_time, end_time): (TimeInput, TimeInput),
        quantity: u32,
    ) -> Self {
        Self {
            tenant_id,
            resource_id,
            user_id,
            start_time,
            end_time,
            client_id: None,
            notes: None,
            status: None,
            quantity,
            recurring_enabled: false,
            recurring_pattern: None,
            series_mode: None,
        }
    }
}

/// How a booking repeats.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecurringPattern {
    /// `daily`, `weekly` or `monthly`.
    #[schema(value_type = RecurringFrequency)]
    pub frequency: String,
    /// Every how many of them.
    #[schema(minimum = 1, maximum = 52, default = 1)]
    pub interval: Option<u32>,
    /// The last civil day.
    #[schema(format = Date, example = "2027-06-30")]
    pub end_date: Option<String>,
    /// 0 = Monday … 6 = Sunday.
    #[schema(value_type = Option<Vec<DayOfWeek>>, max_items = 7, example = json!([0, 2]))]
    pub days_of_week: Option<Vec<u8>>,
}

/// How often a booking repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecurringFrequency {
    /// Every so many days.
    Daily,
    /// Every so many weeks.
    Weekly,
    /// Every so many months.
    Monthly,
}

/// 0 = Monday … 6 = Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(minimum = 0, maximum = 6)]
pub struct DayOfWeek(pub u8);

impl Decode for PlaceBooking {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.required("tenant_id", uuid);
        let resource_id = form.required("resource_id", uuid);
        let user_id = form.required("user_id", uuid);
        let start_time = form.required("start_time", time);
        let end_time = form.required("end_time", time);
        let client_id = form.optional("client_id", uuid);
        let notes = form.optional("notes", text(0, 2_000));
        let status = form.optional("status", first_status);
        let quantity = form.or("quantity", 1, integer(1, 100_000));
        let recurring_enabled = form.or("recurring_enabled", false, boolean);
        let recurring_pattern = form.optional("recurring_pattern", pattern);
        let series_mode = form.optional("series_mode", booked_mode);
        ordered(form, start_time.as_ref(), end_time.as_ref())?;
        Some(Self {
            tenant_id: tenant_id?,
            resource_id: resource_id?,
            user_id: user_id?,
            start_time: start_time?,
            end_time: end_time?,
            client_id: client_id?,
            notes: notes?,
            status: status?,
            quantity: u32::try_from(quantity?).ok()?,
            recurring_enabled: recurring_enabled?,
            recurring_pattern: recurring_pattern?,
            series_mode: series_mode?,
        })
    }
}

/// An edit of a booking: absent fields stay as they are.
#[derive(Debug, Clone, Default, ToSchema)]
pub struct EditBooking {
    /// Moves it to another resource of the tenant.
    #[schema(nullable = false)]
    pub resource_id: Option<Uuid>,
    /// The client served; null clears it.
    #[schema(value_type = Option<Uuid>)]
    pub client_id: Change<Uuid>,
    /// RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, required = false)]
    pub start_time: Option<TimeInput>,
    /// RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, required = false)]
    pub end_time: Option<TimeInput>,
    /// Free text; null clears it.
    #[schema(value_type = Option<String>, max_length = 2000)]
    pub notes: Change<String>,
    /// The new state; `cancelado` obeys the cancellation rules.
    #[schema(value_type = SettableStatus, required = false)]
    pub status: Option<BookingStatus>,
    /// Places of a shared resource.
    #[schema(nullable = false, minimum = 1, maximum = 100_000)]
    pub quantity: Option<u32>,
    /// Whether it repeats.
    #[schema(nullable = false)]
    pub recurring_enabled: Option<bool>,
    /// How the booking repeats; null clears it.
    #[schema(value_type = Option<RecurringPattern>)]
    pub recurring_pattern: Change<Value>,
}

impl Decode for EditBooking {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let resource_id = form.change("resource_id", uuid);
        let client_id = form.change_nullable("client_id", uuid);
        let start_time = form.change("start_time", time);
        let end_time = form.change("end_time", time);
        let notes = form.change_nullable("notes", text(0, 2_000));
        let status = form.change("status", settable_status);
        let quantity = form.change("quantity", integer(1, 100_000));
        let recurring_enabled = form.change("recurring_enabled", boolean);
        let recurring_pattern = form.change_nullable("recurring_pattern", pattern);
        let both = (
            start_time.as_ref().and_then(Option::as_ref),
            end_time.as_ref().and_then(Option::as_ref),
        );
        ordered(form, both.0, both.1)?;
        Some(Self {
            resource_id: resource_id?,
            client_id: client_id?,
            start_time: start_time?,
            end_time: end_time?,
            notes: notes?,
            status: status?,
            quantity: quantity?.and_then(|places| u32::try_from(places).ok()),
            recurring_enabled: recurring_enabled?,
            recurring_pattern: recurring_pattern?,
        })
    }
}

/// A new booking takes its interval: it cannot begin cancelled or done.
pub(crate) fn first_status(value: &Value, faults: &mut Faults) -> Option<BookingStatus> {
    let active = |word: &str| BookingStatus::parse(word).filter(|status| status.is_active());
    choice(&["pendente", "confirmado"], active)(value, faults)
}

/// A status that can be set: a hold is made and confirmed by its own routes.
pub fn settable_status(value: &Value, faults: &mut Faults) -> Option<BookingStatus> {
    let settable = |word: &str| {
        BookingStatus::parse(word).filter(|status| *status != BookingStatus::Reservado)
    };
    choice(SettableStatus::WORDS, settable)(value, faults)
}

pub(crate) fn pattern(value: &Value, faults: &mut Faults) -> Option<Value> {
    match Recurrence::parse(value) {
        Ok(recurrence) => serde_json::to_value(recurrence).ok(),
        Err(found) => {
            for fault in found {
                faults.add_below(&fault.path, fault.code, fault.message);
            }
            None
        }
    }
}

/// The body of a cancellation.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct CancelBooking {
    /// Why, for people.
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

impl Decode for CancelBooking {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        Some(Self { reason: form.optional("reason", text(0, 500))? })
    }
}

/// An end of the range of a list.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(untagged)]
pub enum DayOrTime {
    /// A civil day of the tenant.
    Day(NaiveDate),
    /// RFC 3339; without an offset it is the tenant's local time.
    Time(DateTime<Utc>),
}

/// A booking.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BookingView {
    /// Its id.
    pub id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// What is booked.
    pub resource_id: Uuid,
    /// For whom.
    pub user_id: Uuid,
    /// The client served.
    pub client_id: Option<Uuid>,
    /// When it starts.
    pub start_time: DateTime<Utc>,
    /// When it ends.
    pub end_time: DateTime<Utc>,
    /// Where it stands.
    pub status: BookingStatus,
    /// Free text.
    pub notes: Option<String>,
    /// Whether it repeats.
    pub recurring_enabled: bool,
    /// How it repeats.
    #[schema(value_type = Option<RecurringPattern>)]
    pub recurring_pattern: Option<Value>,
    /// Places taken.
    pub quantity: u32,
    /// Of a hold: when it expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// The series it is an occurrence of.
    pub series_id: Option<Uuid>,
    /// Of an occurrence: when the rule of the series placed it, whatever became of it.
    pub original_start_time: Option<DateTime<Utc>>,
    /// The bookings made together with it.
    pub group_id: Option<Uuid>,
    /// When the person came.
    pub checked_in_at: Option<DateTime<Utc>>,
    /// Eight characters without look-alikes, unique.
    #[schema(example = "K7QM4XRT")]
    pub confirmation_code: String,
    /// Why it was cancelled.
    pub cancellation_reason: Option<String>,
    /// When it was cancelled.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// Who cancelled it; null when the system did.
    pub cancelled_by: Option<Uuid>,
    /// Grows by one with every change; the `ETag` of the booking.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Whether the tenant's rules allow cancelling it now.
    pub can_cancel: bool,
}
