//! A client of the platform that measures, and never waits for ever.

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use std::time::{Duration, Instant};

/// No request may take longer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// Method and address, for messages.
    pub(crate) asked: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// JSON, or a string where it is none.
    pub(crate) body: Value,
    /// From the call to the last byte.
    pub(crate) took: Duration,
}

impl Reply {
    /// Itself, if it has this status.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.body);
        self
    }

    /// The id of what was made.
    pub(crate) fn id(&self) -> String {
        self.text("id")
    }

    /// A field that holds text.
    pub(crate) fn text(&self, field: &str) -> String {
        self.body[field]
            .as_str()
            .unwrap_or_else(|| panic!("no {field} in {}", self.body))
            .to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The code of an error in the contract's shape; everything about the shape is checked.
    pub(crate) fn error(&self) -> &str {
        let shown = format!("{}: {} {}", self.asked, self.status, self.body);
        assert_eq!(self.body["success"], false, "{shown}");
        assert!(self.header("content-type").starts_with("application/json"), "{shown}");
        assert_eq!(self.body["trace_id"], self.header("x-request-id"), "{shown}");
        assert_ne!(self.header("x-request-id"), "", "{shown}");
        assert!(self.body["message"].as_str().is_some_and(|text| text.len() > 5), "{shown}");
        if self.status == 503 {
            assert!(self.header("retry-after").parse::<u32>().is_ok(), "{shown}: no Retry-After");
        }
        self.body["error"].as_str().unwrap_or_else(|| panic!("no code in {shown}"))
    }
}

/// Calls one base address, with or without a token.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    client: Client,
    base: String,
    token: Option<String>,
}

impl Api {
    pub(crate) fn new(base: impl Into<String>) -> Self {
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .pool_max_idle_per_host(128)
            .build()
            .expect("a client");
        Self { client, base: base.into(), token: None }
    }

    /// The same client at another address.
    pub(crate) fn at(&self, base: impl Into<String>) -> Self {
        Self { base: base.into(), ..self.clone() }
    }

    /// The same with a token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A request that is not sent yet.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends, and reads the whole answer; `Err` is a cut connection or a time-out.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Reply, reqwest::Error> {
        let began = Instant::now();
        let (client, request) = request.build_split();
        let request = request?;
        let asked = format!("{} {}", request.method(), request.url());
        let answer = client.execute(request).await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Reply { asked, status, headers, body, took: began.elapsed() })
    }

    /// The same, where a lost connection is a possible outcome.
    pub(crate) async fn attempt(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Reply, reqwest::Error> {
        let request = self.request(method, path);
        let calendar = body.as_str().filter(|text| text.starts_with("BEGIN:VCALENDAR"));
        let request = match calendar {
            Some(text) => request.header("content-type", "text/calendar").body(text.to_owned()),
            None if body.is_null() => request,
            None => request.json(body),
        };
        self.send(request).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Reply {
        let reply = self.attempt(method.clone(), path, &body).await;
        reply.unwrap_or_else(|error| panic!("{method} {}{path}: {error:?}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.call(Method::PUT, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call(Method::PATCH, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path, Value::Null).await
    }

    /// Signs in; the same client with the token.
    pub(crate) async fn login(&self, tenant: &str, email: &str) -> Self {
        let body = serde_json::json!({
            "email": email, "password": crate::world::PASSWORD, "tenant_id": tenant,
        });
        let token = self.post("/users/login", body).await.expect(200).text("access_token");
        self.with_token(&token)
    }
}
