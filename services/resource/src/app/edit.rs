//! Edits: fields that are absent stay as they are, and the merged whole is judged.

use common::version::Precondition;
use contracts::form::{self, Decode};
use serde_json::Value;

use crate::error::Error;

/// What a client wants changed, and the version it has seen.
pub(super) struct Wish<'a> {
    pub(super) wanted: &'a Precondition,
    pub(super) patch: &'a Value,
}

/// Lays `patch` over `current` and reads the whole. Free-form objects are replaced, not mixed.
pub(super) fn merged<T: Decode>(current: &Value, patch: &Value) -> Result<T, Error> {
    form::decode(&form::merge(current, patch, &[])).map_err(Error::Invalid)
}
