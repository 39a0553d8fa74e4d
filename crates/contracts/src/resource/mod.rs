//! Categories and resources: what can be booked.

mod category;
mod schedule;
mod search;

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use scheduling::{Explanation, Layer, Weekly, Zone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::form::{Decode, Faults, Form, choice, http_url, integer, nested, object, text, uuid};
use crate::policy::BookingPolicy;
use crate::problem::Alternative;

pub use category::{
    CategoryMetadata, CategoryType, CategoryView, CreateCategory, CustomField, FieldType, Word,
};
pub use schedule::{HourRange, WeeklySchedule};
pub use search::{Availability, AvailabilityDays, DayEvent, FreeResource, SearchView};

/// Whether a resource can be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResourceStatus {
    /// It can.
    Disponivel,
    /// It is being mended.
    Manutencao,
    /// It cannot.
    Indisponivel,
}

impl ResourceStatus {
    /// The wire values.
    pub const WORDS: &'static [&'static str] = &["disponivel", "manutencao", "indisponivel"];

    /// Reads the wire value.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "disponivel" => Some(Self::Disponivel),
            "manutencao" => Some(Self::Manutencao),
            "indisponivel" => Some(Self::Indisponivel),
            _ => None,
        }
    }

    /// The wire value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disponivel => "disponivel",
            Self::Manutencao => "manutencao",
            Self::Indisponivel => "indisponivel",
        }
    }
}

/// A new resource, or the merged whole of an edited one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreateResource {
    /// The tenant it belongs to; it never changes.
    pub tenant_id: Uuid,
    /// Its category, of the same tenant.
    pub category_id: Uuid,
    /// Its name.
    #[schema(min_length = 1, max_length = 200, example = "Sala 1 - Spinning")]
    pub name: String,
    /// Free text.
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    /// Where it is.
    #[schema(max_length = 200)]
    pub location: Option<String>,
    /// http(s) address of a picture.
    #[schema(format = "http-url", min_length = 1, max_length = 2000)]
    pub image_url: Option<String>,
    /// Whether it can be booked.
    #[schema(default = "disponivel", required = false)]
    pub status: ResourceStatus,
    /// How many people fit.
    #[schema(minimum = 1, maximum = 100_000, default = 1, required = false)]
    pub capacity: u32,
    /// Free-form data, at most 16 KiB and 8 levels; the category's custom fields are enforced.
    #[schema(value_type = Option<Object>, required = false)]
    pub attributes: Value,
    /// Weekly hours, as a map or a list; `{}` = the tenant's working hours every day.
    #[schema(value_type = Option<WeeklySchedule>, required = false, example = json!({"monday": ["08:00-12:00", "14:00-18:00"]}))]
    pub availability_schedule: Value,
    /// What is asked of its bookings, beyond its category and its tenant.
    #[schema(value_type = Option<BookingPolicy>, required = false)]
    pub booking_policy: BookingPolicy,
}

impl Decode for CreateResource {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.required("tenant_id", uuid);
        let category_id = form.required("category_id", uuid);
        let name = form.required("name", text(1, 200));
        let description = form.optional("description", text(0, 2_000));
        let location = form.optional("location", text(0, 200));
        let image_url = form.optional("image_url", http_url);
        let status = form.or(
            "status",
            ResourceStatus::Disponivel,
            choice(ResourceStatus::WORDS, ResourceStatus::parse),
        );
        let capacity = form.or("capacity", 1, integer(1, 100_000));
        let attributes = form.optional("attributes", object);
        let schedule = form.optional("availability_schedule", schedule);
        let booking_policy = form.optional("booking_policy", nested::<BookingPolicy>);
        Some(Self {
            tenant_id: tenant_id?,
            category_id: category_id?,
            name: name?,
            description: description?,
            location: location?,
            image_url: image_url?,
            status: status?,
            capacity: u32::try_from(capacity?).ok()?,
            attributes: attributes?.unwrap_or_else(|| json!({})),
            availability_schedule: schedule?.unwrap_or_else(|| json!({})),
            booking_policy: booking_policy?.unwrap_or_default(),
        })
    }
}

fn schedule(value: &Value, faults: &mut Faults) -> Option<Value> {
    object(value, faults)?;
    match Weekly::parse(value) {
        Ok(_) => Some(value.clone()),
        Err(found) => {
            for fault in found {
                faults.add_below(&fault.path, fault.code, fault.message);
            }
            None
        }
    }
}

/// A resource with its category.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ResourceView {
    /// Its id.
    pub id: Uuid,
    /// The tenant it belongs to.
    pub tenant_id: Uuid,
    /// Its category's id.
    pub category_id: Uuid,
    /// Its category.
    pub category: CategoryView,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Where it is.
    pub location: Option<String>,
    /// Address of a picture.
    pub image_url: Option<String>,
    /// Whether it can be booked.
    pub status: ResourceStatus,
    /// How many people fit.
    pub capacity: u32,
    /// Free-form data.
    #[schema(value_type = Object)]
    pub attributes: Value,
    /// Weekly hours, in the form they were written.
    #[schema(value_type = Object)]
    pub availability_schedule: Value,
    /// What is asked of its bookings.
    pub booking_policy: BookingPolicy,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A free slot, in the tenant's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlotView {
    /// When it starts.
    pub start_time: DateTime<FixedOffset>,
    /// When it ends.
    pub end_time: DateTime<FixedOffset>,
    /// Of a shared resource: places free during the whole slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u32>,
}

/// A slot of the grid that cannot be booked, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedSlot {
    /// When it starts.
    pub start_time: DateTime<FixedOffset>,
    /// When it ends.
    pub end_time: DateTime<FixedOffset>,
    /// Why.
    #[serde(flatten)]
    pub explanation: ExplanationView,
    /// The free slots that start nearest to it, at most three, within seven days.
    #[serde(default)]
    #[schema(max_items = 3)]
    pub alternatives: Vec<Alternative>,
}

/// Why a time cannot be booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplanationView {
    /// `open`, `date_override`, `closure`, `busy` or `policy`.
    #[schema(example = "closure")]
    pub layer: String,
    /// The rule's code, as in the refusal of a booking.
    #[schema(example = "closure")]
    pub rule: String,
    /// Why, in the words of who closed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the rule stops to hide what lies there, in the tenant's zone; absent = never, or not to be
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<FixedOffset>>,
}

impl ExplanationView {
    /// A rule of a layer, with nothing else to tell.
    pub fn plain(layer: Layer, rule: &str) -> Self {
        let (layer, rule) = (layer.as_str().to_owned(), rule.to_owned());
        Self { layer, rule, reason: None, until: None }
    }

    /// The explanation on the wire, its time in the tenant's zone.
    pub fn new(explanation: Explanation, zone: &Zone) -> Self {
        Self {
            layer: explanation.layer.as_str().to_owned(),
            rule: explanation.rule.to_owned(),
            reason: explanation.reason,
            until: explanation.until.map(|until| zone.local(until)),
        }
    }
}

/// The free slots of a resource on one civil day.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AvailabilityView {
    /// The resource.
    pub resource_id: Uuid,
    /// Its tenant.
    pub tenant_id: Uuid,
    /// The civil day.
    #[schema(example = "2027-03-14")]
    pub date: NaiveDate,
    /// The tenant's zone.
    pub timezone: String,
    /// Every slot that can be booked, in order.
    pub slots: Vec<SlotView>,
    /// With `explain=true`: every other slot of the grid, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Vec<RefusedSlot>>,
    /// When the first of the holds on that day expires; absent = there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds_end: Option<DateTime<FixedOffset>>,
    /// `default` when the tenant's settings were never seen and cannot be reached; else absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(null))]
    pub settings_source: Option<String>,
}
