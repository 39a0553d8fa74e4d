//! Why a chore failed, for the person who ran it.

use std::fmt;

/// One or more sentences; nothing matches on them.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// `Ok` when there is nothing to say, else every complaint on a line of its own.
    pub(crate) fn from_complaints(complaints: &[String]) -> Result<(), Self> {
        if complaints.is_empty() { Ok(()) } else { Err(Self(complaints.join("\n"))) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}
