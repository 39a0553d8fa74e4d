//! Decoding of request bodies that names every bad field at once, which serde's first-error-wins
//! cannot. A body is a [`Form`]; each field is read with a rule; faults gather beside the values.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::problem::FieldFault;
use scheduling::wall::TimeInput;

/// A type that can be read from a JSON object with every fault named.
pub trait Decode: Sized {
    /// Reads the fields. `None` when a needed field is bad; the faults are in the form.
    fn decode(form: &mut Form<'_>) -> Option<Self>;
}

/// Where a rule writes the faults it finds.
pub struct Faults {
    path: String,
    list: Vec<FieldFault>,
}

impl Faults {
    /// Adds a fault at the field under judgement.
    pub fn add<T>(&mut self, code: &str, message: impl Into<String>) -> Option<T> {
        self.list.push(FieldFault::new(self.path.clone(), code, message));
        None
    }

    /// Adds a fault below the field under judgement: `monday[0]`, `[2]`.
    pub fn add_below(&mut self, below: &str, code: &str, message: impl Into<String>) {
        let separator = if below.is_empty() || below.starts_with('[') || self.path.is_empty() {
            ""
        } else {
            "."
        };
        self.list.push(FieldFault::new(format!("{}{separator}{below}", self.path), code, message));
    }
}

/// A JSON object being read, field by field.
pub struct Form<'v> {
    values: &'v Map<String, Value>,
    prefix: String,
    known: Vec<&'static str>,
    faults: Vec<FieldFault>,
}

/// Reads `value` as a `T`, or answers every fault of it.
pub fn decode<T: Decode>(value: &Value) -> Result<T, Vec<FieldFault>> {
    let Some(values) = value.as_object() else {
        return Err(vec![FieldFault::new("body", "type", "Deve ser um objeto JSON.")]);
    };
    let mut form = Form::new(values, String::new());
    let decoded = T::decode(&mut form);
    let faults = form.finish();
    match decoded {
        Some(decoded) if faults.is_empty() => Ok(decoded),
        Some(_) | None => Err(faults),
    }
}

/// Overlays the fields of `patch` on `current`: absent means unchanged. Objects under `nested` are
/// overlaid field by field; every other value, free-form objects included, is replaced.
pub fn merge(current: &Value, patch: &Value, nested: &[&str]) -> Value {
    let (Some(base), Some(changes)) = (current.as_object(), patch.as_object()) else {
        return patch.clone();
    };
    let mut merged = base.clone();
    for (key, change) in changes {
        let overlaid = match merged.get(key) {
            Some(old) if nested.contains(&key.as_str()) => merge(old, change, nested),
            Some(_) | None => change.clone(),
        };
        merged.insert(key.clone(), overlaid);
    }
    Value::Object(merged)
}

impl<'v> Form<'v> {
    fn new(values: &'v Map<String, Value>, prefix: String) -> Self {
        Self { values, prefix, known: Vec::new(), faults: Vec::new() }
    }

    fn path(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    fn judge<T>(
        &mut self,
        name: &str,
        value: &Value,
        rule: impl FnOnce(&Value, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        let mut faults = Faults { path: self.path(name), list: Vec::new() };
        let result = rule(value, &mut faults);
        self.faults.append(&mut faults.list);
        result
    }

    fn lookup(&mut self, name: &'static str) -> Option<&'v Value> {
        self.known.push(name);
        self.values.get(name)
    }

    /// A field that must be there and not null.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(&Value, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        match self.lookup(name) {
            None => self.fault(name, "missing", "Campo obrigatório."),
            Some(Value::Null) => self.fault(name, "null", "Não pode ser nulo."),
            Some(value) => self.judge(name, value, rule),
        }
    }

    /// A field that may be absent or null; `Some(None)` then.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(&Value, &mut Faults) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.lookup(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => self.judge(name, value, rule).map(Some),
        }
    }

    /// A field with a default: absent means `default`, null is a fault.
    pub fn or<T>(
        &mut self,
        name: &'static str,
        default: T,
        rule: impl FnOnce(&Value, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        match self.lookup(name) {
            None => Some(default),
            Some(Value::Null) => self.fault(name, "null", "Não pode ser nulo."),
            Some(value) => self.judge(name, value, rule),
        }
    }

    /// A field of an edit: `Some(None)` when absent, a fault when null.
    pub fn change<T>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(&Value, &mut Faults) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.lookup(name) {
            None => Some(None),
            Some(Value::Null) => self.fault(name, "null", "Não pode ser nulo."),
            Some(value) => self.judge(name, value, rule).map(Some),
        }
    }

    /// A nullable field of an edit: absent, cleared by null, or set.
    pub fn change_nullable<T>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(&Value, &mut Faults) -> Option<T>,
    ) -> Option<Change<T>> {
        match self.lookup(name) {
            None => Some(Change::Keep),
            Some(Value::Null) => Some(Change::Set(None)),
            Some(value) => self.judge(name, value, rule).map(|value| Change::Set(Some(value))),
        }
    }

    /// Whether the body has this field at all.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Adds a fault that concerns a field in the light of another.
    pub fn fault<T>(&mut self, name: &str, code: &str, message: impl Into<String>) -> Option<T> {
        let path = self.path(name);
        self.faults.push(FieldFault::new(path, code, message));
        None
    }

    fn finish(mut self) -> Vec<FieldFault> {
        for key in self.values.keys() {
            if !self.known.contains(&key.as_str()) {
                let shown: String = key.chars().take(100).collect();
                let path = self.path(&shown);
                self.faults.push(FieldFault::new(path, "unknown", "Campo desconhecido."));
            }
        }
        self.faults
    }
}

/// What an edit does to a nullable field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// The field was absent: unchanged.
    #[default]
    Keep,
    /// The field was given: a value, or null to clear it.
    Set(Option<T>),
}

impl<T: Clone> Change<T> {
    /// The value after the edit.
    pub fn apply(&self, current: Option<&T>) -> Option<T> {
        match self {
            Self::Keep => current.cloned(),
            Self::Set(value) => value.clone(),
        }
    }
}

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
    move |value, faults| match value.as_i64() {
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
    // Postgres cannot store U+0000 in jsonb.
    if value.to_string().contains("\\u0000") {
        return faults.add("format", "Contém o caractere U+0000.");
    }
    Some(value.clone())
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

/// Reads `value` like [`decode`], passing over fields nobody knows, as queries do.
pub fn decode_lenient<T: Decode>(value: &Value) -> Result<T, Vec<FieldFault>> {
    let empty = Map::new();
    let mut form = Form::new(value.as_object().unwrap_or(&empty), String::new());
    match T::decode(&mut form) {
        Some(decoded) if form.faults.is_empty() => Ok(decoded),
        Some(_) | None => Err(form.faults),
    }
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
