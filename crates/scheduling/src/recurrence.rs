//! The `recurring_pattern` of a booking: validated and normalised. [`crate::series`] expands it.

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{fault::ScheduleFault, number::whole, wall::parse_date};

const FIELDS: [&str; 4] = ["frequency", "interval", "end_date", "days_of_week"];
const MAX_INTERVAL: u8 = 52;

/// How often a series repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Frequency {
    /// Every `interval` days.
    Daily,
    /// Every `interval` weeks, on the days named.
    Weekly,
    /// Every `interval` months, by the day of the month.
    Monthly,
}

/// A valid recurring pattern (HTTP contract, section 6). It serialises to its wire form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recurrence {
    frequency: Frequency,
    interval: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_date: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days_of_week: Option<Vec<u8>>,
}

impl Recurrence {
    /// Reads `{frequency, interval?, end_date?, days_of_week?}`. An optional field that is
    /// `null`, and an empty list of days, count as absent; days are sorted and unique.
    ///
    /// # Errors
    /// Every fault: unknown fields first, then in the order of the fields above.
    pub fn parse(value: &Value) -> Result<Self, Vec<ScheduleFault>> {
        let Some(object) = value.as_object() else {
            return Err(vec![ScheduleFault::wrong_type("", "um objeto")]);
        };
        let mut faults: Vec<ScheduleFault> = object
            .keys()
            .filter(|key| !FIELDS.contains(&key.as_str()))
            .map(|key| ScheduleFault::unknown(key.as_str()))
            .collect();
        let frequency = frequency(object).map_err(|fault| faults.push(fault));
        let interval = interval(object).map_err(|fault| faults.push(fault));
        let end_date = end_date(object).map_err(|fault| faults.push(fault));
        let days_of_week = days_of_week(object).map_err(|days| faults.extend(days));
        match (frequency, interval, end_date, days_of_week) {
            (Ok(frequency), Ok(interval), Ok(end_date), Ok(days_of_week)) if faults.is_empty() => {
                Ok(Self { frequency, interval, end_date, days_of_week })
            }
            _ => Err(faults),
        }
    }

    /// How often it repeats.
    pub fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// Every how many days, weeks or months: 1 to 52.
    pub fn interval(&self) -> u8 {
        self.interval
    }

    /// Last civil date of the series, in the tenant's zone.
    pub fn end_date(&self) -> Option<NaiveDate> {
        self.end_date
    }

    /// Days named, ascending and unique, 0 = Monday to 6 = Sunday; never an empty list.
    pub fn days_of_week(&self) -> Option<&[u8]> {
        self.days_of_week.as_deref()
    }
}

fn present<'a>(object: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    object.get(field).filter(|value| !value.is_null())
}

fn frequency(object: &Map<String, Value>) -> Result<Frequency, ScheduleFault> {
    let Some(value) = object.get("frequency") else {
        return Err(ScheduleFault::missing("frequency"));
    };
    match value.as_str() {
        Some("daily") => Ok(Frequency::Daily),
        Some("weekly") => Ok(Frequency::Weekly),
        Some("monthly") => Ok(Frequency::Monthly),
        Some(_) => Err(ScheduleFault::new("frequency", "range", "Use daily, weekly ou monthly.")),
        None => Err(ScheduleFault::wrong_type("frequency", "daily, weekly ou monthly")),
    }
}

fn interval(object: &Map<String, Value>) -> Result<u8, ScheduleFault> {
    let Some(value) = present(object, "interval") else { return Ok(1) };
    let Some(number) = whole(value) else {
        return Err(ScheduleFault::wrong_type("interval", "um número inteiro de 1 a 52"));
    };
    u8::try_from(number)
        .ok()
        .filter(|number| (1..=MAX_INTERVAL).contains(number))
        .ok_or_else(|| ScheduleFault::new("interval", "range", "Deve estar entre 1 e 52."))
}

fn end_date(object: &Map<String, Value>) -> Result<Option<NaiveDate>, ScheduleFault> {
    let Some(value) = present(object, "end_date") else { return Ok(None) };
    let Some(text) = value.as_str() else {
        return Err(ScheduleFault::wrong_type("end_date", "uma data YYYY-MM-DD"));
    };
    match parse_date(text) {
        Some(date) => Ok(Some(date)),
        None => Err(ScheduleFault::new("end_date", "format", "Use o formato YYYY-MM-DD.")),
    }
}

fn days_of_week(object: &Map<String, Value>) -> Result<Option<Vec<u8>>, Vec<ScheduleFault>> {
    let Some(value) = present(object, "days_of_week") else { return Ok(None) };
    let Some(items) = value.as_array() else {
        return Err(vec![ScheduleFault::wrong_type(
            "days_of_week",
            "uma lista de números de 0 a 6",
        )]);
    };
    if items.len() > 7 {
        return Err(vec![ScheduleFault::new("days_of_week", "too_many", "No máximo 7 dias.")]);
    }
    let (mut days, mut faults) = (Vec::with_capacity(items.len()), Vec::new());
    for (index, item) in items.iter().enumerate() {
        let path = format!("days_of_week[{index}]");
        match whole(item).map(u8::try_from) {
            Some(Ok(day @ 0..=6)) => days.push(day),
            Some(_) => faults.push(ScheduleFault::new(
                path,
                "range",
                "Deve estar entre 0 (segunda) e 6 (domingo).",
            )),
            None => faults.push(ScheduleFault::wrong_type(path, "um número inteiro de 0 a 6")),
        }
    }
    days.sort_unstable();
    days.dedup();
    if faults.is_empty() { Ok((!days.is_empty()).then_some(days)) } else { Err(faults) }
}
