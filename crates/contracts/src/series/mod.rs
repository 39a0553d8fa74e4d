//! Series: bookings that repeat by a rule.

mod answers;

use scheduling::wall::TimeInput;
use scheduling::{Pattern, Recurrence, Rrule};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::BookingStatus;
use crate::booking::{ActiveStatus, PlaceBooking, RecurringPattern, first_status, pattern};
use crate::form::{Decode, Faults, Form, choice, integer, ordered, text, time, uuid};

pub use answers::{
    ChangeAnswer, PreviewedBooking, SeriesChanged, SeriesEndReason, SeriesEnded, SeriesMade,
    SeriesPreview, SeriesView, ShiftedOccurrence, missing,
};

/// What becomes of a series when some of its occurrences cannot be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SeriesMode {
    /// All or nothing: the refusal lists every occurrence that cannot be booked.
    #[default]
    Fail,
    /// The others are booked; those that cannot be are listed.
    Skip,
    /// Nothing is booked; the answer tells what would be.
    Preview,
}

impl SeriesMode {
    const WORDS: &'static [&'static str] = &["fail", "skip", "preview"];

    fn parse(word: &str) -> Option<Self> {
        match word {
            "fail" => Some(Self::Fail),
            "skip" => Some(Self::Skip),
            "preview" => Some(Self::Preview),
            _ => None,
        }
    }
}

/// The modes of a series that is made as a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BookedSeriesMode {
    /// All or nothing.
    Fail,
    /// The others are booked.
    Skip,
}

/// Reads the mode of a series that is made as a booking.
pub(crate) fn booked_mode(value: &Value, faults: &mut Faults) -> Option<SeriesMode> {
    let booked = |word: &str| SeriesMode::parse(word).filter(|mode| *mode != SeriesMode::Preview);
    choice(&["fail", "skip"], booked)(value, faults)
}

/// Which bookings of a series a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SeriesScope {
    /// This booking.
    #[default]
    This,
    /// This booking and those of the series after it.
    Following,
    /// Every booking of the series.
    All,
}

impl SeriesScope {
    /// The wire values.
    pub const WORDS: &'static [&'static str] = &["this", "following", "all"];

    /// Reads the wire value.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "this" => Some(Self::This),
            "following" => Some(Self::Following),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// The rule of a series, in one of its two forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesRule {
    /// A `recurring_pattern`, normalised.
    RecurringPattern(Value),
    /// The text of a rule of RFC 5545.
    Rrule(String),
}

impl SeriesRule {
    /// The rule as it is expanded; `None` for one that was not checked.
    pub fn pattern(&self) -> Option<Pattern> {
        match self {
            Self::RecurringPattern(value) => Recurrence::parse(value).ok().map(Pattern::Recurrence),
            Self::Rrule(text) => Rrule::parse(text).ok().map(Pattern::Rrule),
        }
    }

    /// The pattern, where the rule is one.
    pub fn recurring_pattern(&self) -> Option<Value> {
        match self {
            Self::RecurringPattern(value) => Some(value.clone()),
            Self::Rrule(_) => None,
        }
    }

    /// The text, where the rule is one of RFC 5545.
    pub fn rrule(&self) -> Option<String> {
        match self {
            Self::RecurringPattern(_) => None,
            Self::Rrule(text) => Some(text.clone()),
        }
    }
}

impl PlaceBooking {
    /// The rule of the series that it makes, if it makes one.
    pub fn rule(&self) -> Option<SeriesRule> {
        let pattern = self.recurring_pattern.clone().filter(|_| self.recurring_enabled);
        pattern.map(SeriesRule::RecurringPattern)
    }
}

/// A new series: a booking, and how it repeats.
#[derive(Debug, Clone, ToSchema)]
pub struct PlaceSeries {
    /// The tenant.
    pub tenant_id: Uuid,
    /// What is booked.
    pub resource_id: Uuid,
    /// For whom.
    pub user_id: Uuid,
    /// The first start: RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, example = "2027-03-10T14:00:00Z")]
    pub start_time: TimeInput,
    /// The first end, after `start_time`: RFC 3339, years 1970 to 9999.
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
    /// How many places of a shared resource; of an exclusive one each takes the whole.
    #[schema(minimum = 1, maximum = 100_000, default = 1, required = false)]
    pub quantity: u32,
    /// How it repeats: this or `rrule`.
    #[schema(value_type = Option<RecurringPattern>)]
    pub recurring_pattern: Option<Value>,
    /// How it repeats, by RFC 5545: `FREQ`, `INTERVAL`, `COUNT` or `UNTIL`, `BYDAY`, `BYMONTHDAY`,
    /// `BYMONTH`, `BYSETPOS`, `WKST`, and lines `EXDATE`. This or `recurring_pattern`.
    #[schema(min_length = 1, max_length = 2000, example = "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=20")]
    pub rrule: Option<String>,
    /// What becomes of it when some occurrences cannot be booked.
    #[schema(default = "fail", required = false)]
    pub mode: SeriesMode,
}

impl Decode for PlaceSeries {
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
        let recurring_pattern = form.optional("recurring_pattern", pattern);
        let rrule = form.optional("rrule", rrule);
        let mode = form.or("mode", SeriesMode::Fail, choice(SeriesMode::WORDS, SeriesMode::parse));
        match (&recurring_pattern, &rrule) {
            (Some(None), Some(None)) => {
                form.fault("rrule", "missing", "Informe recurring_pattern ou rrule.")
            }
            (Some(Some(_)), Some(Some(_))) => {
                form.fault("rrule", "combination", "Use recurring_pattern ou rrule, não ambos.")
            }
            (Some(_) | None, Some(_) | None) => Some(()),
        }?;
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
            recurring_pattern: recurring_pattern?,
            rrule: rrule?,
            mode: mode?,
        })
    }
}

impl PlaceSeries {
    /// The booking of each occurrence, and the rule.
    pub fn parts(self) -> Option<(PlaceBooking, SeriesRule, SeriesMode)> {
        let rule = match (self.recurring_pattern, self.rrule) {
            (Some(value), _) => SeriesRule::RecurringPattern(value),
            (None, Some(text)) => SeriesRule::Rrule(text),
            (None, None) => return None,
        };
        let booking = PlaceBooking {
            tenant_id: self.tenant_id,
            resource_id: self.resource_id,
            user_id: self.user_id,
            start_time: self.start_time,
            end_time: self.end_time,
            client_id: self.client_id,
            notes: self.notes,
            status: self.status,
            quantity: self.quantity,
            recurring_enabled: true,
            recurring_pattern: rule.recurring_pattern(),
            series_mode: None,
        };
        Some((booking, rule, self.mode))
    }
}

fn rrule(value: &Value, faults: &mut Faults) -> Option<String> {
    let text = text(1, 2_000)(value, faults)?;
    match Rrule::parse(&text) {
        Ok(_) => Some(text),
        Err(found) => {
            for fault in found {
                faults.add_below(&fault.path, fault.code, fault.message);
            }
            None
        }
    }
}
