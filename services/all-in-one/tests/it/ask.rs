//! Asking as somebody, and judging the answers.

use axum::body::Body;
use contracts::Service;
use contracts::event::Envelope;
use http::{Method, Request};
use serde_json::Value;
use testkit::app::{Answer, TestApp};

/// Somebody in front of the app.
#[derive(Clone, Copy)]
pub(crate) struct By<'a> {
    app: &'a TestApp,
    token: &'a str,
}

/// The bearer of `token`, nobody if it is empty.
pub(crate) fn by<'a>(app: &'a TestApp, token: &'a str) -> By<'a> {
    By { app, token }
}

impl By<'_> {
    pub(crate) async fn get(self, path: &str) -> Answer {
        self.app.call(Method::GET, path, self.token, Value::Null).await
    }

    pub(crate) async fn post(self, path: &str, body: Value) -> Answer {
        self.app.call(Method::POST, path, self.token, body).await
    }

    pub(crate) async fn put(self, path: &str, body: Value) -> Answer {
        self.app.call(Method::PUT, path, self.token, body).await
    }

    pub(crate) async fn patch(self, path: &str, body: Value) -> Answer {
        self.app.call(Method::PATCH, path, self.token, body).await
    }

    pub(crate) async fn delete(self, path: &str) -> Answer {
        self.app.call(Method::DELETE, path, self.token, Value::Null).await
    }

    /// A request with headers of its own, its body as it stands.
    pub(crate) async fn raw(
        self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "marca.test:8000");
        }
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.app.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

/// `Content-Type: application/json`.
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// Asserts a refusal in the contract's shape, with this status, code and pt-BR message.
#[track_caller]
pub(crate) fn refused(answer: Answer, status: u16, code: &str, message: &str) -> Answer {
    let answer = well_refused(answer, status, code);
    assert_eq!(answer.message(), message, "{}", answer.text);
    answer
}

/// The same, whatever the message.
#[track_caller]
pub(crate) fn well_refused(answer: Answer, status: u16, code: &str) -> Answer {
    let answer = answer.expect(status);
    assert_eq!(answer.code(), code, "{}", answer.text);
    assert_eq!(answer.body["success"], false, "{}", answer.text);
    assert!(!answer.message().is_empty(), "{}", answer.text);
    let trace = answer.body["trace_id"].as_str().unwrap_or_default();
    assert!(!trace.is_empty(), "{}", answer.text);
    assert_eq!(trace, answer.header("x-request-id"), "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json", "{}", answer.text);
    answer
}

/// Asserts a 422 that names exactly these fields, each with a code and a message.
#[track_caller]
pub(crate) fn invalid(answer: Answer, fields: &[&str]) -> Answer {
    let answer = refused(answer, 422, "validation", "Dados inválidos na requisição.");
    assert_eq!(answer.fields(), fields, "{}", answer.text);
    for field in answer.body["fields"].as_array().unwrap() {
        for part in ["code", "message"] {
            assert!(field[part].as_str().is_some_and(|text| !text.is_empty()), "{field}");
        }
    }
    answer
}

/// Every event of bookings so far.
pub(crate) async fn booking_events(app: &TestApp) -> Vec<Envelope> {
    app.events(Service::Booking).await
}

/// The names of events, in order.
pub(crate) fn names(events: &[Envelope]) -> Vec<&str> {
    events.iter().map(|event| event.event_type.as_str()).collect()
}

/// Every event of users so far but those of security.
pub(crate) async fn user_events(app: &TestApp) -> Vec<Envelope> {
    let mut events = app.events(Service::User).await;
    events.retain(|event| !event.event_type.starts_with("security."));
    events
}

/// Every security event so far.
pub(crate) async fn security_events(app: &TestApp) -> Vec<Envelope> {
    let mut events = app.events(Service::User).await;
    events.retain(|event| event.event_type.starts_with("security."));
    events
}

/// The keys of an object, sorted.
pub(crate) fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// A field of every row of a list.
pub(crate) fn column(list: &Answer, field: &str) -> Vec<String> {
    let rows = list.body.as_array().unwrap_or_else(|| panic!("no list: {}", list.text));
    rows.iter().map(|row| row[field].as_str().unwrap_or_default().to_owned()).collect()
}
