//! Versions of a booking on the wire: `ETag: "b-7"`, `If-Match: "b-7"`.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use common::http::Problem;
use contracts::booking::BookingView;
use http::header::{ETAG, IF_MATCH};
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use crate::app::Precondition;

/// A booking with its version as `ETag`.
pub(super) struct Tagged(pub(super) StatusCode, pub(super) BookingView);

impl IntoResponse for Tagged {
    fn into_response(self) -> Response {
        let version = self.1.version;
        tag((self.0, Json(self.1)).into_response(), version)
    }
}

/// Puts the version of a booking on an answer.
pub(super) fn tag(mut response: Response, version: i64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"b-{version}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

impl<S: Send + Sync> FromRequestParts<S> for Precondition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(header) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        Ok(Self(parse(header.to_str().unwrap_or_default())))
    }
}

/// `*` matches anything. A compressing proxy may have made a tag weak: that prefix says nothing here.
fn parse(header: &str) -> Option<Vec<i64>> {
    let tags = header.split(',').map(str::trim);
    if tags.clone().any(|tag| tag == "*") {
        return None;
    }
    let version = |tag: &str| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag.strip_prefix("\"b-")?.strip_suffix('"')?.parse().ok()
    };
    Some(tags.filter_map(version).collect())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn if_match_lists_versions_and_a_foreign_tag_matches_none() {
        assert_eq!(parse("\"b-7\", W/\"b-8\""), Some(vec![7, 8]));
        assert_eq!(parse("*"), None);
        assert_eq!(parse("\"x\""), Some(vec![]));
        assert_eq!(parse(""), Some(vec![]));
    }
}
