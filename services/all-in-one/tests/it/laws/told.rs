//! What was answered, in words that do not depend on where and when.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use testkit::app::Answer;

/// What is an answer's own: chance, or the request's.
const OWN: [&str; 4] = ["confirmation_code", "hold_token", "trace_id", "date"];

/// How one side of a history is read.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// Where its window begins.
    pub(super) base: DateTime<Utc>,
    /// When it began.
    pub(super) began: DateTime<Utc>,
    /// Other words for ids.
    pub(super) names: HashMap<String, String>,
}

impl Reading {
    /// An answer as anybody else would be told it in the same place.
    pub(super) fn told(&self, answer: &Answer) -> Value {
        // Other tags are hashes of whole answers, with their dates.
        let version = answer.header("etag").strip_prefix("\"b-");
        json!({
            "status": answer.status.as_u16(),
            "version": version,
            "retry-after": answer.header("retry-after"),
            "replayed": answer.header("idempotent-replayed"),
            "total": answer.header("x-total-count"),
            "body": self.value("", &answer.body),
        })
    }

    fn value(&self, field: &str, value: &Value) -> Value {
        match value {
            Value::String(_) if OWN.contains(&field) => Value::Null,
            Value::String(text) => Value::String(self.text(text)),
            Value::Object(fields) => {
                let told =
                    fields.iter().map(|(name, value)| (name.clone(), self.value(name, value)));
                Value::Object(told.collect::<Map<_, _>>())
            }
            Value::Array(items) => {
                let mut told: Vec<Value> =
                    items.iter().map(|item| self.value(field, item)).collect();
                // Of the same start the id decides.
                told.sort_by_key(Value::to_string);
                Value::Array(told)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        if let Some(name) = self.names.get(text) {
            return name.clone();
        }
        let Ok(time) = DateTime::parse_from_rfc3339(text) else { return text.to_owned() };
        // The window is days ahead: what is soon is a time of the clock.
        let soon = (time.to_utc() - self.began).num_days() < 2;
        let from = if soon { self.began } else { self.base };
        format!("{} s", (time.to_utc() - from).num_seconds())
    }
}
