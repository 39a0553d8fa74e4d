//! Calendar files as answers.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use common::http::{content_tag, has_it};

use crate::app::Sheet;

/// The media type of a calendar file.
const CALENDAR: HeaderValue = HeaderValue::from_static("text/calendar; charset=utf-8");

/// A file that is asked for again: with its tag, or that the client has it.
pub(super) fn tagged(sheet: Sheet, disposition: &str, headers: &HeaderMap) -> Response {
    let tag = content_tag(sheet.text.as_bytes());
    let known = has_it(headers, &tag);
    let mut response = if known { Response::default() } else { plain(sheet, disposition) };
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let answer = response.headers_mut();
    // Whoever keeps it asks each time: it may have been revoked.
    answer.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.insert(ETAG, tag);
    }
    response
}

/// A file as it is.
pub(super) fn plain(sheet: Sheet, disposition: &str) -> Response {
    let Sheet { tenant: _, text, name } = sheet;
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, CALENDAR);
    if let Ok(file) = HeaderValue::from_str(&format!("{disposition}; filename=\"{name}.ics\"")) {
        headers.insert(CONTENT_DISPOSITION, file);
    }
    response
}
