//! The preview of changed settings: what would be otherwise if they were stored.

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use scheduling::{Filled, NonexistentLocalTime, TimeInput, Zone};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::booking::DayOrTime;
use crate::edit::EditSettings;
use crate::form::{Decode, Faults, Form, list, text, uuid};
use crate::resource::ExplanationView;

/// The most resources that can be named, and that one answer covers.
pub const MOST_RESOURCES: usize = 200;
/// The most rows of each list of an answer.
pub const MOST_ROWS: usize = 200;
/// The most days of a preview.
pub const MOST_DAYS: u32 = 31;

/// One end of the time looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The first instant of a civil day of the tenant, in the zone it has now.
    Day(NaiveDate),
    /// A moment.
    Time(TimeInput),
}

impl When {
    /// The instant that is meant.
    pub fn resolve(&self, zone: &Zone) -> Result<DateTime<Utc>, NonexistentLocalTime> {
        match self {
            Self::Day(date) => Ok(zone.day_start(*date)),
            Self::Time(time) => time.resolve(zone),
        }
    }
}

/// Which change of the settings to look at, and where to look.
#[derive(Debug, Clone, ToSchema)]
pub struct PreviewSettings {
    /// The change, as `PUT /tenants/{id}/settings` takes it.
    #[schema(value_type = EditSettings)]
    pub settings: Value,
    /// Nothing that starts before it is looked at; now if it is absent or past. A date is its first
    /// instant in the zone that the tenant has now.
    #[schema(inline, value_type = Option<DayOrTime>)]
    pub from: Option<When>,
    /// Nothing that starts then or later is looked at; 14 days after `from` if it is absent. After
    /// `from`, and at most 31 days.
    #[schema(inline, value_type = Option<DayOrTime>)]
    pub to: Option<When>,
    /// Only these resources.
    #[schema(max_items = 200)]
    pub resource_ids: Option<Vec<Uuid>>,
    /// Only resources of this category.
    pub category_id: Option<Uuid>,
    /// `next_cursor` of the answer before, to look at the resources that follow.
    #[schema(min_length = 1, max_length = 2_048)]
    pub cursor: Option<String>,
}

impl Decode for PreviewSettings {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let settings = form.required("settings", patch);
        let from = form.optional("from", when);
        let to = form.optional("to", when);
        let resource_ids = form.optional("resource_ids", list(MOST_RESOURCES, uuid));
        let category_id = form.optional("category_id", uuid);
        let cursor = form.optional("cursor", text(1, 2_048));
        Some(Self {
            settings: settings?,
            from: from?,
            to: to?,
            resource_ids: resource_ids?,
            category_id: category_id?,
            cursor: cursor?,
        })
    }
}

/// What is in it is judged once it is laid over the settings there are.
fn patch(value: &Value, faults: &mut Faults) -> Option<Value> {
    if value.is_object() {
        Some(value.clone())
    } else {
        faults.add("type", "Deve ser um objeto JSON.")
    }
}

fn when(value: &Value, faults: &mut Faults) -> Option<When> {
    let Some(text) = value.as_str() else {
        return faults.add("type", "Deve ser data, ou data e hora, em texto.");
    };
    let day = (text.len() == 10).then(|| scheduling::wall::parse_date(text)).flatten();
    day.map(When::Day)
        .or_else(|| TimeInput::parse(text).map(When::Time))
        .or_else(|| faults.add("format", "Deve ser YYYY-MM-DD ou data e hora RFC 3339."))
}

/// What would be otherwise if the settings were changed. Nothing has been stored.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SettingsPreview {
    /// The tenant.
    pub tenant_id: Uuid,
    /// The `ETag` of the settings that were compared with: send it as `If-Match` with the change, and
    /// it is stored only if they still are the same.
    #[schema(example = "\"t-7\"")]
    pub settings_etag: String,
    /// First instant looked at, in the tenant's zone of now.
    pub from: DateTime<FixedOffset>,
    /// First instant after.
    pub to: DateTime<FixedOffset>,
    /// How many resources this answer covers, at most 200, by name.
    #[schema(minimum = 0, maximum = 200)]
    pub resources: u64,
    /// There are more: sent as `cursor`, it asks for those that follow. Absent = these were all. What is
    /// counted is counted of this answer's resources; the sums are those of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// What becomes of bookings.
    pub bookings: BookingsPreview,
    /// What becomes of slots.
    pub slots: SlotsPreview,
    /// What becomes of the occupancy.
    pub occupancy: OccupancyPreview,
}

/// What becomes of the bookings that start in the time looked at, `pendente` and `confirmado`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct BookingsPreview {
    /// How many there are.
    #[schema(minimum = 0)]
    pub total: u64,
    /// Those that the rules of now allow and the changed ones would refuse, by start, at most 200. They
    /// are not cancelled by the change.
    #[schema(max_items = 200)]
    pub broken: Vec<BrokenBooking>,
    /// How many of them there are.
    #[schema(minimum = 0)]
    pub broken_count: u64,
    /// Whether there are more of them than `broken` lists.
    pub truncated: bool,
    /// How many the rules of now refuse already, and the changed ones as well.
    #[schema(minimum = 0)]
    pub outside_count: u64,
    /// How many the rules of now refuse already, and the changed ones would allow.
    #[schema(minimum = 0)]
    pub mended_count: u64,
}

/// A booking that the changed rules would refuse.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BrokenBooking {
    /// The booking.
    pub booking_id: Uuid,
    /// Its resource.
    pub resource_id: Uuid,
    /// When it starts.
    pub start_time: DateTime<Utc>,
    /// When it ends.
    pub end_time: DateTime<Utc>,
    /// The code with which a new booking would be refused.
    #[schema(example = "outside_working_hours")]
    pub code: String,
    /// The message, in the language asked for by `Accept-Language` (pt-BR, en or es).
    pub message: String,
    /// Why, as availability explains it, by the changed rules and in their zone.
    #[serde(flatten)]
    pub explanation: ExplanationView,
}

/// What becomes of the slots that start in the time looked at and can be booked now.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct SlotsPreview {
    /// How many availability lists now.
    #[schema(minimum = 0)]
    pub before: u64,
    /// How many it would list.
    #[schema(minimum = 0)]
    pub after: u64,
    /// Slots it does not list now but would, by start, at most 200; in the zone of the changed settings.
    #[schema(max_items = 200)]
    pub appear: Vec<PreviewedSlot>,
    /// Slots it lists now but would not, by start, at most 200; in the zone of now.
    #[schema(max_items = 200)]
    pub vanish: Vec<PreviewedSlot>,
    /// How many appear.
    #[schema(minimum = 0)]
    pub appear_count: u64,
    /// How many vanish.
    #[schema(minimum = 0)]
    pub vanish_count: u64,
    /// Whether more appear or vanish than are listed.
    pub truncated: bool,
}

/// A slot of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewedSlot {
    /// The resource.
    pub resource_id: Uuid,
    /// When it starts.
    pub start_time: DateTime<FixedOffset>,
    /// When it ends.
    pub end_time: DateTime<FixedOffset>,
}

/// The occupancy under both rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OccupancyPreview {
    /// Under the rules of now.
    pub before: OccupancyOf,
    /// Under the changed ones.
    pub after: OccupancyOf,
}

/// How much of the open time of the resources that can be booked is taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OccupancyOf {
    /// Minutes from `from` to `to` in which resources are open: hours and exceptions, without closures.
    /// Of a resource that bookings share, times its places.
    #[schema(minimum = 0)]
    pub open_minutes: u64,
    /// How many of them bookings take (`pendente` and `confirmado`, without holds and without the room
    /// around bookings), times their places. What lies outside the open time does not count.
    #[schema(minimum = 0)]
    pub booked_minutes: u64,
    /// `booked_minutes` of `open_minutes`, from 0 to 1; 0 where nothing is open.
    #[schema(minimum = 0, maximum = 1, example = 0.25)]
    pub ratio: f64,
}

impl OccupancyOf {
    /// The sum over all resources, on the wire.
    pub fn new(filled: Filled) -> Self {
        let minutes = |seconds: u64| seconds / 60;
        // In ten thousandths, which a float of 32 bits can carry without loss.
        let share = filled.booked.saturating_mul(10_000).checked_div(filled.open).unwrap_or(0);
        let share = f64::from(u32::try_from(share.min(10_000)).unwrap_or(0));
        Self {
            open_minutes: minutes(filled.open),
            booked_minutes: minutes(filled.booked),
            ratio: share / 10_000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::form;

    #[test]
    fn every_bad_field_is_named_at_once() {
        let body = json!({
            "settings": [], "from": 1, "to": "2027-02-30", "resource_ids": ["x"], "category_id": 1,
            "cursor": "", "more": 1,
        });
        let faults = form::decode::<PreviewSettings>(&body).err().unwrap_or_default();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        let bad = ["settings", "from", "to", "resource_ids[0]", "category_id", "cursor", "more"];
        assert_eq!(paths, bad);
        assert!(form::decode::<PreviewSettings>(&json!({ "settings": {} })).is_ok());
    }

    #[test]
    fn nothing_open_is_not_occupied() {
        let of = |open, booked| OccupancyOf::new(Filled { open, booked });
        assert_eq!(of(0, 0), OccupancyOf { open_minutes: 0, booked_minutes: 0, ratio: 0.0 });
        assert_eq!(
            of(7_200, 1_800),
            OccupancyOf { open_minutes: 120, booked_minutes: 30, ratio: 0.25 }
        );
        assert_eq!(of(3, 1), OccupancyOf { open_minutes: 0, booked_minutes: 0, ratio: 0.3333 });
    }
}
