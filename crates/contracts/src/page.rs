//! Paging: a bounded `limit` and an opaque cursor over a stable order.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How many rows a list answers when `limit` is absent.
pub const DEFAULT_LIMIT: u64 = 50;
/// The most rows a list answers.
pub const MAX_LIMIT: u64 = 200;

/// Writes the sort key of the last row of a page as an opaque cursor.
pub fn encode_cursor<T: Serialize>(key: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
}

/// Reads a cursor; `None` when it is not one of ours.
pub fn decode_cursor<T: DeserializeOwned>(cursor: &str) -> Option<T> {
    (cursor.len() <= 2_048)
        .then(|| URL_SAFE_NO_PAD.decode(cursor).ok())
        .flatten()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
}

/// The text by which lists are ordered and searched: lower case, so that both databases agree on it.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}
