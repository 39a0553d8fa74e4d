//! One entry of a stream.

use contracts::event::Envelope;
use redis::streams::StreamId;
use serde::de::DeserializeOwned;

use crate::streams::bus::BusError;

/// The fields `payload` and `metadata`.
pub(super) fn encode(event: &Envelope) -> Result<(String, String), BusError> {
    let metadata = serde_json::to_string(&event.metadata)
        .map_err(|error| BusError::Refused(format!("metadata of an event: {error}")))?;
    Ok((event.payload.to_string(), metadata))
}

/// Reads an entry; says what is wrong with one that is not ours.
pub(super) fn decode(entry: &StreamId) -> Result<Envelope, String> {
    Ok(Envelope {
        event_type: text(entry, "event_type")?,
        payload: json(entry, "payload")?,
        metadata: json(entry, "metadata")?,
    })
}

fn json<T: DeserializeOwned>(entry: &StreamId, field: &str) -> Result<T, String> {
    serde_json::from_str(&text(entry, field)?).map_err(|error| format!("{field}: {error}"))
}

fn text(entry: &StreamId, field: &str) -> Result<String, String> {
    entry.get(field).ok_or_else(|| format!("{field} is missing"))
}
