//! Days that are not like the others: date overrides and closures of tenant, category and resource.

use chrono::{DateTime, NaiveDate, Utc};
use scheduling::wall::parse_date;
use scheduling::weekly::parse_range;
use scheduling::{Closure, ClosureKind, DateOverride, Dates, Exceptions, Level};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::form::{Decode, Faults, Form, boolean, choice, list, text, uuid};
use crate::resource::HourRange;

/// Whose an exception is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExceptionLevel {
    /// Every resource of the tenant.
    Tenant,
    /// Every resource of the category.
    Category,
    /// One resource.
    Resource,
}

impl ExceptionLevel {
    /// The wire values.
    pub const WORDS: &'static [&'static str] = &["tenant", "category", "resource"];

    /// Reads the wire value.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "tenant" => Some(Self::Tenant),
            "category" => Some(Self::Category),
            "resource" => Some(Self::Resource),
            _ => None,
        }
    }

    /// The wire value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Category => "category",
            Self::Resource => "resource",
        }
    }
}

/// What an exception does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExceptionKind {
    /// Other open hours instead of the weekly ones; none = closed.
    Override,
    /// A closure: nobody works.
    Holiday,
    /// A closure: it is being mended or cleaned.
    Maintenance,
    /// Any other closure.
    Closure,
}

impl ExceptionKind {
    /// The wire values.
    pub const WORDS: &'static [&'static str] = &["override", "holiday", "maintenance", "closure"];

    /// Reads the wire value.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "override" => Some(Self::Override),
            "holiday" => Some(Self::Holiday),
            "maintenance" => Some(Self::Maintenance),
            "closure" => Some(Self::Closure),
            _ => None,
        }
    }

    /// The wire value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Override => "override",
            Self::Holiday => "holiday",
            Self::Maintenance => "maintenance",
            Self::Closure => "closure",
        }
    }
}

/// A new exception, or the merged whole of an edited one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreateException {
    /// The tenant it belongs to; it never changes.
    pub tenant_id: Uuid,
    /// Whose resources it holds for.
    pub level: ExceptionLevel,
    /// With level `category`, and only then: which.
    pub category_id: Option<Uuid>,
    /// With level `resource`, and only then: which.
    pub resource_id: Option<Uuid>,
    /// What it does.
    pub kind: ExceptionKind,
    /// First civil date, in the tenant's zone.
    #[schema(example = "2026-12-25")]
    pub start_date: NaiveDate,
    /// Last civil date, at most 366 days in all; absent = the first.
    #[schema(example = "2026-12-25", value_type = Option<NaiveDate>)]
    pub end_date: NaiveDate,
    /// Whether it comes every year, by month and day; 29 February in leap years only.
    #[schema(default = false, required = false)]
    pub yearly: bool,
    /// On the wall clock of each date: of an override the open hours (none = closed), of a closure the
    /// closed ones (none = the whole day).
    #[schema(value_type = Option<Vec<HourRange>>, max_items = 50, required = false, example = json!(["08:00-12:00"]))]
    pub ranges: Vec<String>,
    /// Why, for people; shown by `explain`.
    #[schema(max_length = 200, example = "Natal", required = false)]
    pub reason: String,
}

/// What a calendar file is imported as, told by the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportQuery {
    /// Whose it is.
    pub tenant_id: Uuid,
    /// Whose resources it holds for.
    pub level: ExceptionLevel,
    /// With level `category`, and only then: which.
    pub category_id: Option<Uuid>,
    /// With level `resource`, and only then: which.
    pub resource_id: Option<Uuid>,
    /// What kind of closure; a holiday unless given.
    pub kind: ExceptionKind,
}

impl Decode for ImportQuery {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.required("tenant_id", uuid);
        let level = form.required("level", choice(ExceptionLevel::WORDS, ExceptionLevel::parse));
        let category_id = form.optional("category_id", uuid);
        let resource_id = form.optional("resource_id", uuid);
        let kind = form.or("kind", ExceptionKind::Holiday, choice(CLOSURES, closure));
        let (level, category_id, resource_id) = (level?, category_id?, resource_id?);
        target(form, "category_id", level == ExceptionLevel::Category, category_id)?;
        target(form, "resource_id", level == ExceptionLevel::Resource, resource_id)?;
        Some(Self { tenant_id: tenant_id?, level, category_id, resource_id, kind: kind? })
    }
}

/// The kinds that close: a calendar file tells when nobody is there.
const CLOSURES: &[&str] = &["holiday", "maintenance", "closure"];

fn closure(word: &str) -> Option<ExceptionKind> {
    ExceptionKind::parse(word).filter(|kind| *kind != ExceptionKind::Override)
}

impl Decode for CreateException {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.required("tenant_id", uuid);
        let level = form.required("level", choice(ExceptionLevel::WORDS, ExceptionLevel::parse));
        let category_id = form.optional("category_id", uuid);
        let resource_id = form.optional("resource_id", uuid);
        let kind = form.required("kind", choice(ExceptionKind::WORDS, ExceptionKind::parse));
        let start = form.required("start_date", date);
        let end = form.optional("end_date", date);
        let yearly = form.or("yearly", false, boolean);
        let ranges = form.optional("ranges", list(50, range));
        let reason = form.optional("reason", text(0, 200));
        let (level, category_id, resource_id) = (level?, category_id?, resource_id?);
        target(form, "category_id", level == ExceptionLevel::Category, category_id)?;
        target(form, "resource_id", level == ExceptionLevel::Resource, resource_id)?;
        let start = start?;
        let end = end?.unwrap_or(start);
        if Dates::new(start, end, false).is_none() {
            let text = "Deve ser igual ou posterior a start_date, no máximo 366 dias.";
            return form.fault("end_date", "range", text);
        }
        Some(Self {
            tenant_id: tenant_id?,
            level,
            category_id,
            resource_id,
            kind: kind?,
            start_date: start,
            end_date: end,
            yearly: yearly?,
            ranges: ranges?.unwrap_or_default(),
            reason: reason?.unwrap_or_default(),
        })
    }
}

/// The id of the target stands there with its level, and only then.
fn target(form: &mut Form<'_>, name: &str, wanted: bool, given: Option<Uuid>) -> Option<()> {
    match (wanted, given) {
        (true, None) => form.fault(name, "missing", "Obrigatório para este nível."),
        (false, Some(_)) => form.fault(name, "combination", "Não se aplica a este nível."),
        (true, Some(_)) | (false, None) => Some(()),
    }
}

/// A civil date, `YYYY-MM-DD`.
pub fn date(value: &Value, faults: &mut Faults) -> Option<NaiveDate> {
    let Some(text) = value.as_str() else {
        return faults.add("type", "Deve ser uma data em texto.");
    };
    parse_date(text).or_else(|| faults.add("format", "Use o formato YYYY-MM-DD."))
}

fn range(value: &Value, faults: &mut Faults) -> Option<String> {
    let written = text(1, 17)(value, faults)?;
    match parse_range(&written) {
        Some((start, end)) if start < end => Some(written),
        Some(_) => faults.add("order", "O fim deve ser posterior ao início."),
        None => faults.add("format", "Use HH:MM-HH:MM."),
    }
}

/// An exception.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExceptionView {
    /// Its id.
    pub id: Uuid,
    /// The tenant it belongs to.
    pub tenant_id: Uuid,
    /// Whose resources it holds for.
    pub level: ExceptionLevel,
    /// With level `category`: which.
    pub category_id: Option<Uuid>,
    /// With level `resource`: which.
    pub resource_id: Option<Uuid>,
    /// What it does.
    pub kind: ExceptionKind,
    /// First civil date.
    pub start_date: NaiveDate,
    /// Last civil date.
    pub end_date: NaiveDate,
    /// Whether it comes every year.
    pub yearly: bool,
    /// Open hours of an override, closed ones of a closure.
    #[schema(value_type = Vec<HourRange>)]
    pub ranges: Vec<String>,
    /// Why, for people.
    pub reason: String,
    /// Grows by one with every change; the `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What became of an imported calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportView {
    /// So many events are exceptions now.
    #[schema(maximum = 500)]
    pub imported: u32,
    /// The events that are not, in the order of the file.
    #[schema(max_items = 500)]
    pub skipped: Vec<SkippedEvent>,
}

/// An event that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkippedEvent {
    /// Its `UID`, if it has one.
    pub uid: Option<String>,
    /// Its place among the events of the file, from 1.
    #[schema(minimum = 1)]
    pub event: u32,
    /// Why.
    pub reason: SkipReason,
}

/// Why an event was not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// It has no start that can be read, of the years 1970 to 9999.
    NoStart,
    /// It ends when it starts, or before.
    NoLength,
    /// It is longer than 366 days.
    TooLong,
    /// Its time zone is not an IANA one.
    UnknownZone,
    /// It recurs in another way than once a year.
    Recurrence,
    /// Its `UID` is longer than 255 characters.
    LongUid,
    /// The file has its `UID` twice.
    Duplicate,
    /// It is cancelled; what was imported of it before is gone.
    Cancelled,
}

/// An exception as neighbours need it to decide by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionFacts {
    /// Whose it is.
    pub level: ExceptionLevel,
    /// What it does.
    pub kind: ExceptionKind,
    /// First civil date.
    pub start_date: NaiveDate,
    /// Last civil date.
    pub end_date: NaiveDate,
    /// Whether it comes every year.
    pub yearly: bool,
    /// Open or closed hours.
    pub ranges: Vec<String>,
    /// Why.
    pub reason: String,
}

/// The exceptions as the pure rules read them. They were checked when they were written.
pub fn exceptions<'a>(facts: impl IntoIterator<Item = &'a ExceptionFacts>) -> Exceptions {
    let (mut overrides, mut closures) = (Vec::new(), Vec::new());
    for fact in facts {
        let Some(dates) = Dates::new(fact.start_date, fact.end_date, fact.yearly) else { continue };
        let level = match fact.level {
            ExceptionLevel::Tenant => Level::Tenant,
            ExceptionLevel::Category => Level::Category,
            ExceptionLevel::Resource => Level::Resource,
        };
        let ranges = fact.ranges.iter().filter_map(|range| parse_range(range)).collect();
        let reason = fact.reason.clone();
        let kind = match fact.kind {
            ExceptionKind::Override => {
                overrides.push(DateOverride { level, dates, ranges, reason });
                continue;
            }
            ExceptionKind::Holiday => ClosureKind::Holiday,
            ExceptionKind::Maintenance => ClosureKind::Maintenance,
            ExceptionKind::Closure => ClosureKind::Closure,
        };
        closures.push(Closure { level, kind, dates, ranges, reason });
    }
    Exceptions::new(overrides, closures)
}
