//! Decoding of request bodies that names every bad field at once, which serde's first-error-wins
//! cannot. A body is a [`Form`]; each field is read with a rule; faults gather beside the values.

mod rules;

use serde_json::{Map, Value};

use crate::problem::FieldFault;

pub(crate) use rules::ordered;
pub use rules::{
    boolean, choice, colour, email, from_text, http_url, integer, is_host, list, nested, object,
    text, time, uuid,
};

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

/// Reads `value` like [`decode`], passing over fields nobody knows, as queries do.
pub fn decode_lenient<T: Decode>(value: &Value) -> Result<T, Vec<FieldFault>> {
    let empty = Map::new();
    let mut form = Form::new(value.as_object().unwrap_or(&empty), String::new());
    match T::decode(&mut form) {
        Some(decoded) if form.faults.is_empty() => Ok(decoded),
        Some(_) | None => Err(form.faults),
    }
}
