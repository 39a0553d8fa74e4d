//! Reading the two wire forms of a weekly schedule, collecting every fault.

use serde_json::{Map, Value};

use super::{Range, Weekly};
use crate::{clock::ClockTime, fault::ScheduleFault, number::whole};

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MAX_RANGES: usize = 50;
const ITEM_FIELDS: [&str; 3] = ["day_of_week", "start_time", "end_time"];

type Days = [Vec<Range>; 7];
type Faults = Vec<ScheduleFault>;

pub(super) fn weekly(value: &Value) -> Result<Weekly, Faults> {
    let Some(object) = value.as_object() else {
        return Err(vec![ScheduleFault::wrong_type("", "um objeto")]);
    };
    let mut faults = Faults::new();
    let mut days = Days::default();
    let named = match object.get("schedule") {
        Some(list) => list_form(object, list, &mut days, &mut faults),
        None => map_form(object, &mut days, &mut faults),
    };
    match (faults.is_empty(), named) {
        (false, _) => Err(faults),
        (true, false) => Ok(Weekly::always()),
        (true, true) => Ok(Weekly::from_days(days)),
    }
}

/// Returns whether a day was named.
fn map_form(object: &Map<String, Value>, days: &mut Days, faults: &mut Faults) -> bool {
    for (key, value) in object {
        let Some(day) = DAYS.iter().position(|name| name == key) else {
            faults.push(ScheduleFault::new(
                key,
                "unknown",
                "Dia desconhecido: use monday, tuesday, wednesday, thursday, friday, saturday ou \
                 sunday.",
            ));
            continue;
        };
        let Some(items) = value.as_array() else {
            faults.push(ScheduleFault::wrong_type(key, "uma lista de intervalos HH:MM-HH:MM"));
            continue;
        };
        if items.len() > MAX_RANGES {
            faults.push(too_many(key.clone()));
            continue;
        }
        for (index, item) in items.iter().enumerate() {
            match text_range(format!("{key}[{index}]"), item) {
                Ok(range) => days[day].push(range),
                Err(fault) => faults.push(fault),
            }
        }
    }
    !object.is_empty()
}

/// Reads `HH:MM-HH:MM`.
fn text_range(path: String, item: &Value) -> Result<Range, ScheduleFault> {
    let Some(text) = item.as_str() else {
        return Err(ScheduleFault::wrong_type(path, "um texto HH:MM-HH:MM"));
    };
    match super::parse_range(text) {
        Some((start, end)) => ordered(path, start, end),
        None => Err(ScheduleFault::new(path, "format", "Use o formato HH:MM-HH:MM.")),
    }
}

/// Returns whether a day was named.
fn list_form(
    object: &Map<String, Value>,
    list: &Value,
    days: &mut Days,
    faults: &mut Faults,
) -> bool {
    faults.extend(
        object
            .keys()
            .filter(|key| *key != "schedule")
            .map(|key| ScheduleFault::unknown(key.as_str())),
    );
    let Some(items) = list.as_array() else {
        faults.push(ScheduleFault::wrong_type("schedule", "uma lista"));
        return true;
    };
    if items.len() > MAX_RANGES * DAYS.len() {
        faults.push(too_many("schedule"));
        return true;
    }
    for (index, item) in items.iter().enumerate() {
        let path = format!("schedule[{index}]");
        let Some((day, range)) = object_range(&path, item, faults) else { continue };
        if days[day].len() == MAX_RANGES {
            faults.push(too_many(path));
        } else {
            days[day].push(range);
        }
    }
    !items.is_empty()
}

fn object_range(path: &str, item: &Value, faults: &mut Faults) -> Option<(usize, Range)> {
    let Some(object) = item.as_object() else {
        faults.push(ScheduleFault::wrong_type(
            path,
            "um objeto com day_of_week, start_time e end_time",
        ));
        return None;
    };
    faults.extend(
        object
            .keys()
            .filter(|key| !ITEM_FIELDS.contains(&key.as_str()))
            .map(|key| ScheduleFault::unknown(format!("{path}.{key}"))),
    );
    let mut keep = |result: Result<_, ScheduleFault>| result.map_err(|f| faults.push(f)).ok();
    let start = keep(clock(object, path, "start_time", ClockTime::parse));
    let end = keep(clock(object, path, "end_time", ClockTime::parse_end));
    let day = day_of_week(object, path).map_err(|f| faults.push(f)).ok();
    let range = ordered(format!("{path}.end_time"), start?, end?)
        .map_err(|fault| faults.push(fault))
        .ok()?;
    Some((day?, range))
}

fn day_of_week(object: &Map<String, Value>, path: &str) -> Result<usize, ScheduleFault> {
    let path = format!("{path}.day_of_week");
    let Some(value) = object.get("day_of_week") else { return Err(ScheduleFault::missing(path)) };
    let Some(day) = whole(value) else {
        return Err(ScheduleFault::wrong_type(path, "um número inteiro de 0 a 6"));
    };
    usize::try_from(day).ok().filter(|day| *day < DAYS.len()).ok_or_else(|| {
        ScheduleFault::new(path, "range", "Deve estar entre 0 (segunda) e 6 (domingo).")
    })
}

fn clock(
    object: &Map<String, Value>,
    path: &str,
    field: &str,
    read: fn(&str) -> Option<ClockTime>,
) -> Result<ClockTime, ScheduleFault> {
    let path = format!("{path}.{field}");
    let Some(value) = object.get(field) else { return Err(ScheduleFault::missing(path)) };
    let Some(text) = value.as_str() else {
        return Err(ScheduleFault::wrong_type(path, "um texto HH:MM"));
    };
    read(text).ok_or_else(|| ScheduleFault::new(path, "format", "Use o formato HH:MM."))
}

fn ordered(
    path: impl Into<String>,
    start: ClockTime,
    end: ClockTime,
) -> Result<Range, ScheduleFault> {
    if start < end {
        return Ok((start, end));
    }
    Err(ScheduleFault::new(path, "order", "O fim deve ser maior que o início."))
}

fn too_many(path: impl Into<String>) -> ScheduleFault {
    ScheduleFault::new(path, "too_many", format!("No máximo {MAX_RANGES} intervalos por dia."))
}
