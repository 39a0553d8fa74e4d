//! What is wrong with one place of a JSON document.

use std::fmt::Write as _;

/// One fault of a schedule or recurrence, for the `fields` of a 422 answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleFault {
    /// Where, relative to the parsed value: `monday[0]`, `schedule[2].start_time`; empty for the
    /// value itself.
    pub path: String,
    /// Stable code: `type`, `missing`, `unknown`, `format`, `range`, `order`, `too_many`
    /// or `combination` (parts that do not go together).
    pub code: &'static str,
    /// For people, in pt-BR.
    pub message: String,
}

impl ScheduleFault {
    pub(crate) fn new(
        path: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { path: path.into(), code, message: message.into() }
    }

    pub(crate) fn unknown(path: impl Into<String>) -> Self {
        Self::new(path, "unknown", "Campo desconhecido.")
    }

    pub(crate) fn missing(path: impl Into<String>) -> Self {
        Self::new(path, "missing", "Campo obrigatório.")
    }

    pub(crate) fn wrong_type(path: impl Into<String>, wanted: &str) -> Self {
        Self::new(path, "type", format!("Deve ser {wanted}."))
    }

    /// The fault as seen from a document that holds the parsed value at `prefix`.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        let mut path = String::from(prefix);
        if !self.path.is_empty() {
            let _ = write!(path, ".{}", self.path);
        }
        self.path = path;
        self
    }
}
