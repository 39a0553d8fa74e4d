//! What a field may hold. A rule reads a JSON value, or says what is wrong with it.

use scheduling::number::whole;
use scheduling::wall::TimeInput;
use serde_json::Value;
use uuid::Uuid;

use super::{Decode, Faults, Form};

/// Text of `min` to `max` characters, without control characters, not blank where `min` > 0.
pub fn text(min: usize, max: usize) -> impl Fn(&Value, &mut Faults) -> Option<String> {
    move |value, faults| {
        let Some(text) = value.as_str() else {
            return faults.add("type", "Deve ser texto.");
        };
        let length = text.chars().count();
        if length < min || length > max || (min > 0 && text.trim().is_empty()) {
            return faults.add("length", format!("Deve ter de {min} a {max} caracteres."));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return faults.add("format", "Contém caracteres de controle.");
        }
        Some(text.to_owned())
    }
}

/// A whole number in a range, both ends included.
pub fn integer(min: i64, max: i64) -> impl Fn(&Value, &mut Faults) -> Option<i64> {
    move |value, faults| match whole(value) {
        None => faults.add("type", "Deve ser um número inteiro."),
        Some(number) if (min..=max).contains(&number) => Some(number),
        Some(_) => faults.add("range", format!("Deve estar entre {min} e {max}.")),
    }
}

/// `true` or `false`.
pub fn boolean(value: &Value, faults: &mut Faults) -> Option<bool> {
    value.as_bool().or_else(|| faults.add("type", "Deve ser verdadeiro ou falso."))
}

/// A UUID in its text form.
pub fn uuid(value: &Value, faults: &mut Faults) -> Option<Uuid> {
    let Some(text) = value.as_str() else {
        return faults.add("type", "Deve ser um UUID em texto.");
    };
    match Uuid::try_parse(text) {
        Ok(id) if text.len() == 36 => Some(id),
        Ok(_) | Err(_) => faults.add("format", "Deve ser um UUID."),
    }
}

/// A timestamp, with or without an offset.
pub fn time(value: &Value, faults: &mut Faults) -> Option<TimeInput> {
    let Some(text) = value.as_str() else {
        return faults.add("type", "Deve ser data e hora em texto (RFC 3339).");
    };
    TimeInput::parse(text).or_else(|| faults.add("format", "Deve ser data e hora RFC 3339."))
}

/// Refuses an end that is not after the start, where that can be told without the tenant's zone.
pub(crate) fn ordered(
    form: &mut Form<'_>,
    start: Option<&TimeInput>,
    end: Option<&TimeInput>,
) -> Option<()> {
    let reversed = match (start, end) {
        (Some(TimeInput::Instant(start)), Some(TimeInput::Instant(end))) => end <= start,
        (Some(TimeInput::Local(start)), Some(TimeInput::Local(end))) => end <= start,
        (Some(_) | None, Some(_) | None) => false,
    };
    if reversed {
        return form.fault("end_time", "range", "Horário final deve ser maior que o inicial.");
    }
    Some(())
}

/// One of a closed set of words, read by `parse`.
pub fn choice<T>(
    words: &'static [&'static str],
    parse: impl Fn(&str) -> Option<T>,
) -> impl Fn(&Value, &mut Faults) -> Option<T> {
    move |value, faults| {
        let Some(word) = value.as_str() else {
            return faults.add("type", "Deve ser texto.");
        };
        parse(word)
            .or_else(|| faults.add("choice", format!("Deve ser um de: {}.", words.join(", "))))
    }
}

/// A free-form JSON object of at most 16 KiB as text and 8 levels.
pub fn object(value: &Value, faults: &mut Faults) -> Option<Value> {
    if !value.is_object() {
        return faults.add("type", "Deve ser um objeto JSON.");
    }
    if depth(value) > 8 || value.to_string().len() > 16 * 1024 {
        return faults.add("length", "Objeto grande ou profundo demais (máximo 16 KiB, 8 níveis).");
    }
    // What is larger could not be read again once it is stored.
    if !storable(value) {
        return faults.add("range", "Contém um número grande demais.");
    }
    // Postgres cannot store U+0000 in jsonb.
    if value.to_string().contains("\\u0000") {
        return faults.add("format", "Contém o caractere U+0000.");
    }
    Some(value.clone())
}

fn storable(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_none_or(|number| number.abs() <= 1e308),
        Value::Array(items) => items.iter().all(storable),
        Value::Object(map) => map.values().all(storable),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// An object with documented fields of its own.
pub fn nested<T: Decode>(value: &Value, faults: &mut Faults) -> Option<T> {
    let Some(values) = value.as_object() else {
        return faults.add("type", "Deve ser um objeto JSON.");
    };
    let mut form = Form::new(values, faults.path.clone());
    let decoded = T::decode(&mut form);
    let mut found = form.finish();
    let clean = found.is_empty();
    faults.list.append(&mut found);
    decoded.filter(|_| clean)
}

/// A list of at most `max` items, each read by `rule`.
pub fn list<T>(
    max: usize,
    rule: impl Fn(&Value, &mut Faults) -> Option<T>,
) -> impl Fn(&Value, &mut Faults) -> Option<Vec<T>> {
    move |value, faults| {
        let Some(items) = value.as_array() else {
            return faults.add("type", "Deve ser uma lista.");
        };
        if items.len() > max {
            return faults.add("length", format!("Deve ter no máximo {max} itens."));
        }
        let base = faults.path.clone();
        let mut read = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            faults.path = format!("{base}[{index}]");
            read.push(rule(item, faults));
        }
        faults.path = base;
        read.into_iter().collect()
    }
}

/// An http(s) URL of at most 2,000 characters.
pub fn http_url(value: &Value, faults: &mut Faults) -> Option<String> {
    let address = text(1, 2_000)(value, faults)?;
    match url::Url::parse(&address) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
            Some(address)
        }
        Ok(_) | Err(_) => faults.add("format", "Deve ser uma URL http(s)."),
    }
}

/// `#RGB` or `#RRGGBB`.
pub fn colour(value: &Value, faults: &mut Faults) -> Option<String> {
    let colour = text(1, 7)(value, faults)?;
    let digits = colour.strip_prefix('#').unwrap_or("");
    if matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Some(colour);
    }
    faults.add("format", "Deve ser uma cor #RGB ou #RRGGBB.")
}

/// An e-mail address of a plausible shape (RFC 5321 lengths), kept as written.
pub fn email(value: &Value, faults: &mut Faults) -> Option<String> {
    let address = text(3, 254)(value, faults)?;
    if is_email(&address) { Some(address) } else { faults.add("format", "E-mail inválido.") }
}

fn is_email(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let clean = |text: &str| !text.chars().any(|c| c.is_whitespace() || c == '@' || c.is_control());
    (1..=64).contains(&local.chars().count())
        && clean(local)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && is_host(domain)
}

/// Whether `host` is a host name or a slug: letters, digits and inner hyphens between dots.
pub fn is_host(host: &str) -> bool {
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.chars().count())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}

/// Rules for values that arrive as text: queries and forms.
pub mod from_text {
    use super::{Faults, Value};

    /// A whole number in a range, written in digits.
    pub fn integer(min: i64, max: i64) -> impl Fn(&Value, &mut Faults) -> Option<i64> {
        move |value, faults| match value.as_str().and_then(|text| text.parse().ok()) {
            None => faults.add("type", "Deve ser um número inteiro."),
            Some(number) if (min..=max).contains(&number) => Some(number),
            Some(_) => faults.add("range", format!("Deve estar entre {min} e {max}.")),
        }
    }

    /// `true` or `false`.
    pub fn boolean(value: &Value, faults: &mut Faults) -> Option<bool> {
        match value.as_str() {
            Some("true" | "1") => Some(true),
            Some("false" | "0") => Some(false),
            Some(_) | None => faults.add("type", "Deve ser true ou false."),
        }
    }
}
