//! Tenants: businesses with their own rules and look.

use chrono::{DateTime, Utc};
use scheduling::zone::Zone;
use scheduling::{ClockTime, Rules, WorkingHours};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::BookingStatus;
use crate::booking::ActiveStatus;
use crate::form::{
    Decode, Faults, Form, boolean, choice, colour, http_url, integer, is_host, nested, text,
};
use crate::password::PasswordPolicy;
use crate::policy::BookingPolicy;

/// What a business pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// Basic.
    Basico,
    /// Professional.
    Profissional,
    /// Corporate.
    Corporativo,
}

impl Plan {
    const WORDS: &'static [&'static str] = &["basico", "profissional", "corporativo"];

    /// Reads the wire value.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "basico" => Some(Self::Basico),
            "profissional" => Some(Self::Profissional),
            "corporativo" => Some(Self::Corporativo),
            _ => None,
        }
    }

    /// The wire value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basico => "basico",
            Self::Profissional => "profissional",
            Self::Corporativo => "corporativo",
        }
    }
}

/// The words a business uses for its things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustomLabels {
    /// One resource: "Sala".
    #[schema(min_length = 1, max_length = 60, example = "Sala")]
    pub resource_singular: String,
    /// Many resources: "Salas".
    #[schema(min_length = 1, max_length = 60, example = "Salas")]
    pub resource_plural: String,
    /// A booking: "Aula".
    #[schema(min_length = 1, max_length = 60, example = "Aula")]
    pub booking_label: String,
    /// A user: "Aluno".
    #[schema(min_length = 1, max_length = 60, example = "Aluno")]
    pub user_label: String,
}

/// The rules of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// The trade: "academia", "clinica".
    #[schema(min_length = 1, max_length = 100, example = "academia")]
    pub business_type: String,
    /// IANA time zone in which every day and clock of this tenant is read.
    #[schema(
        format = "iana-time-zone",
        max_length = 64,
        default = "UTC",
        example = "America/Sao_Paulo"
    )]
    #[serde(default = "utc")]
    pub timezone: String,
    /// Opening time, `HH:MM[:SS]`, local.
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", example = "06:00")]
    pub working_hours_start: ClockTime,
    /// Closing time, `HH:MM[:SS]` or `24:00`, local, later than the opening.
    #[schema(value_type = String, pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?|24:00(:00)?)$", example = "22:00")]
    pub working_hours_end: ClockTime,
    /// Slot length in minutes; durations are multiples of it.
    #[schema(minimum = 5, maximum = 480, default = 30, example = 60)]
    #[serde(default = "thirty")]
    pub booking_interval: u32,
    /// How many days ahead one may book.
    #[schema(minimum = 0, maximum = 365, default = 30, example = 30)]
    #[serde(default = "thirty")]
    pub advance_booking_days: u32,
    /// Hours before the start until which one may cancel; 0 = always.
    #[schema(minimum = 0, maximum = 168, default = 24, example = 24)]
    #[serde(default = "twenty_four")]
    pub cancellation_hours: u32,
    /// The tenant's words.
    pub custom_labels: CustomLabels,
    /// Status of a new booking that names none: `pendente` (default) or `confirmado`.
    #[schema(value_type = ActiveStatus, default = "pendente")]
    #[serde(default = "BookingStatus::pending")]
    pub default_booking_status: BookingStatus,
    /// What is asked of passwords.
    #[serde(default)]
    pub password_policy: PasswordPolicy,
    /// What is asked of bookings of every resource.
    #[serde(default)]
    pub booking_policy: BookingPolicy,
    /// How long a hold lives, in minutes.
    #[schema(minimum = 1, maximum = 30, default = 10, example = 10)]
    #[serde(default = "ten")]
    pub hold_minutes: u32,
}

fn utc() -> String {
    "UTC".to_owned()
}
const fn thirty() -> u32 {
    30
}
const fn ten() -> u32 {
    10
}
const fn twenty_four() -> u32 {
    24
}

impl Settings {
    /// The rules the pure calendar decides by. `None` only if the stored zone is no longer known.
    pub fn rules(&self) -> Option<Rules> {
        Some(Rules {
            zone: Zone::parse(&self.timezone).ok()?,
            hours: WorkingHours::new(self.working_hours_start, self.working_hours_end)?,
            interval_minutes: self.booking_interval,
            advance_days: self.advance_booking_days,
            cancellation_hours: self.cancellation_hours,
        })
    }
}

/// A new tenant, or the merged whole of an edited one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreateTenant {
    /// The business' name.
    #[schema(min_length = 1, max_length = 200, example = "Academia Fit")]
    pub name: String,
    /// Host name or slug, unique without regard to case.
    #[schema(
        format = "host-name",
        min_length = 1,
        max_length = 253,
        example = "academia-fit.example.com"
    )]
    pub domain: String,
    /// http(s) address of the logo.
    #[schema(
        format = "http-url",
        min_length = 1,
        max_length = 2000,
        example = "https://example.com/logo.png"
    )]
    pub logo_url: String,
    /// `#RGB` or `#RRGGBB`.
    #[schema(pattern = "^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$", example = "#FF5722")]
    pub theme_primary_color: String,
    /// What the business pays for.
    pub plan: Plan,
    /// Whether the tenant takes part at all.
    #[schema(default = true)]
    #[serde(default = "yes")]
    pub is_active: bool,
    /// Its rules.
    pub settings: Settings,
}

const fn yes() -> bool {
    true
}

/// Nested objects of a tenant that an edit overlays field by field.
pub const TENANT_NESTED: &[&str] =
    &["settings", "custom_labels", "password_policy", "booking_policy"];

impl Decode for CreateTenant {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let name = form.required("name", text(1, 200));
        let domain = form.required("domain", domain);
        let logo_url = form.required("logo_url", http_url);
        let colour = form.required("theme_primary_color", colour);
        let plan = form.required("plan", choice(Plan::WORDS, Plan::parse));
        let is_active = form.or("is_active", true, boolean);
        let settings = form.required("settings", nested::<Settings>);
        Some(Self {
            name: name?,
            domain: domain?,
            logo_url: logo_url?,
            theme_primary_color: colour?,
            plan: plan?,
            is_active: is_active?,
            settings: settings?,
        })
    }
}

impl Decode for Settings {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let business_type = form.required("business_type", text(1, 100));
        let timezone = form.or("timezone", utc(), timezone);
        let start = form.required("working_hours_start", clock(ClockTime::parse));
        let end = form.required("working_hours_end", clock(ClockTime::parse_end));
        let interval = form.or("booking_interval", 30, integer(5, 480));
        let advance = form.or("advance_booking_days", 30, integer(0, 365));
        let cancellation = form.or("cancellation_hours", 24, integer(0, 168));
        let labels = form.required("custom_labels", nested::<CustomLabels>);
        let status = form.or(
            "default_booking_status",
            BookingStatus::Pendente,
            crate::booking::first_status,
        );
        let passwords =
            form.or("password_policy", PasswordPolicy::default(), nested::<PasswordPolicy>);
        let bookings = form.optional("booking_policy", nested::<BookingPolicy>);
        let hold = form.or("hold_minutes", 10, integer(1, 30));
        if let (Some(start), Some(end)) = (start, end)
            && start >= end
        {
            return form.fault(
                "working_hours_end",
                "range",
                "Deve ser posterior a working_hours_start.",
            );
        }
        Some(Self {
            business_type: business_type?,
            timezone: timezone?,
            working_hours_start: start?,
            working_hours_end: end?,
            booking_interval: u32::try_from(interval?).ok()?,
            advance_booking_days: u32::try_from(advance?).ok()?,
            cancellation_hours: u32::try_from(cancellation?).ok()?,
            custom_labels: labels?,
            default_booking_status: status?,
            password_policy: passwords?,
            booking_policy: bookings?.unwrap_or_default(),
            hold_minutes: u32::try_from(hold?).ok()?,
        })
    }
}

impl Decode for CustomLabels {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let resource_singular = form.required("resource_singular", text(1, 60));
        let resource_plural = form.required("resource_plural", text(1, 60));
        let booking_label = form.required("booking_label", text(1, 60));
        let user_label = form.required("user_label", text(1, 60));
        Some(Self {
            resource_singular: resource_singular?,
            resource_plural: resource_plural?,
            booking_label: booking_label?,
            user_label: user_label?,
        })
    }
}

fn domain(value: &Value, faults: &mut Faults) -> Option<String> {
    let domain = text(1, 253)(value, faults)?;
    if is_host(&domain) {
        Some(domain)
    } else {
        faults.add("format", "Deve ser um domínio ou slug.")
    }
}

fn timezone(value: &Value, faults: &mut Faults) -> Option<String> {
    let name = text(1, 64)(value, faults)?;
    match Zone::parse(&name) {
        Ok(zone) => Some(zone.name().to_owned()),
        Err(_) => faults.add("timezone", "Fuso horário IANA desconhecido."),
    }
}

fn clock(
    parse: impl Fn(&str) -> Option<ClockTime>,
) -> impl Fn(&Value, &mut Faults) -> Option<ClockTime> {
    move |value, faults| {
        let time = text(1, 8)(value, faults)?;
        parse(&time).or_else(|| faults.add("format", "Deve ser uma hora HH:MM[:SS]."))
    }
}

/// A tenant as its own people see it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TenantView {
    /// Its id.
    pub id: Uuid,
    /// The business' name.
    pub name: String,
    /// Host name or slug.
    pub domain: String,
    /// Address of the logo.
    pub logo_url: String,
    /// `#RGB` or `#RRGGBB`.
    pub theme_primary_color: String,
    /// What the business pays for.
    pub plan: Plan,
    /// Whether the tenant takes part at all.
    pub is_active: bool,
    /// Its rules.
    pub settings: SettingsView,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A tenant's settings with their own dates.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SettingsView {
    /// The id of the settings: that of their tenant.
    pub id: Uuid,
    /// The rules.
    #[serde(flatten)]
    pub settings: Settings,
    /// When they were made.
    pub created_at: DateTime<Utc>,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
}

/// What anyone may see of a tenant.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TenantPublicView {
    /// Its id.
    pub id: Uuid,
    /// The business' name.
    pub name: String,
    /// Host name or slug.
    pub domain: String,
    /// Address of the logo.
    pub logo_url: String,
    /// `#RGB` or `#RRGGBB`.
    pub theme_primary_color: String,
    /// The tenant's words.
    pub custom_labels: CustomLabels,
}

/// A tenant as its reader may see it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum TenantAnswer {
    /// For the tenant's own people.
    Full(Box<TenantView>),
    /// For anyone else.
    Public(TenantPublicView),
}
