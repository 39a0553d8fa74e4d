//! Extractors whose refusals have the contract's shape and name every bad field.

use std::collections::BTreeMap;

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use contracts::form::{self, Decode};
use contracts::problem::FieldFault;
use contracts::text::Text;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::edge::Context;
use super::idempotency;
use super::problem::Problem;
use crate::settings::Bounds;

/// A JSON (or form) body, decoded and judged whole.
pub struct Body<T>(pub T);

/// A body that may be missing altogether; then `T::default()`.
pub struct OptionalBody<T>(pub T);

/// A body as an HTML form or as JSON.
pub struct FormOrJson<T>(pub T);

/// A JSON body as it came, for edits that are merged before they are judged.
pub struct Raw(pub Value);

/// The `{id}` of the path.
#[derive(Debug, Clone, Copy)]
pub struct Id(pub Uuid);

/// The query, decoded; parameters nobody knows are passed over.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: Decode> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Raw(value) = Raw::from_request(request, state).await?;
        form::decode(&value).map(Self).map_err(Problem::validation)
    }
}

impl<S: Send + Sync, T: Decode + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        let value = parse(&headers, &bytes)?;
        form::decode(&value).map(Self).map_err(Problem::validation)
    }
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = read(request, state).await?;
        parse(&headers, &bytes).map(Self)
    }
}

impl<S: Send + Sync, T: Decode> FromRequest<S> for FormOrJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = read(request, state).await?;
        let value = if media_type(&headers) == "application/x-www-form-urlencoded" {
            // A form sends the fields that were left empty, too.
            let mut fields = pairs(&bytes);
            fields.retain(|_, value| value != "");
            Value::Object(fields)
        } else {
            parse(&headers, &bytes)?
        };
        form::decode(&value).map(Self).map_err(Problem::validation)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let context = Context::from_extensions(request.extensions()).cloned();
    let bound = context.as_ref().map_or_else(|| Bounds::default().body, Context::body_timeout);
    let named = request.headers().contains_key(idempotency::KEY);
    let body = tokio::time::timeout(bound, Bytes::from_request(request, state)).await;
    let late = |_| {
        let text = Text::new("O corpo da requisição não chegou a tempo.");
        Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", text)
    };
    let body = body.map_err(late)?.map_err(|rejection: BytesRejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let text = Text::new("Corpo da requisição grande demais.");
            return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", text);
        }
        Problem::field("body", "unreadable", "Não foi possível ler o corpo da requisição.")
    })?;
    if let Some(context) = context.filter(|_| named) {
        context.note_body(&body);
    }
    Ok(body)
}

fn media_type(headers: &HeaderMap) -> String {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    media.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

fn parse(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Problem> {
    let media = media_type(headers);
    if media != "application/json"
        && !(media.starts_with("application/") && media.ends_with("+json"))
    {
        let text = Text::new("Tipo de conteúdo não suportado. Use application/json.");
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            text,
        ));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::field("body", "json", &format!("JSON inválido: {error}")))
}

fn pairs(bytes: &[u8]) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, value) in url::form_urlencoded::parse(bytes).take(100) {
        map.entry(name.into_owned()).or_insert_with(|| Value::String(value.into_owned()));
    }
    map
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path: Path<BTreeMap<String, String>> = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::field("id", "format", "Deve ser um UUID."))?;
        let text = path.0.get("id").map_or("", String::as_str);
        match Uuid::try_parse(text) {
            Ok(id) if text.len() == 36 => Ok(Self(id)),
            Ok(_) | Err(_) => Err(Problem::field("id", "format", "Deve ser um UUID.")),
        }
    }
}

impl<S: Send + Sync, T: Decode> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        decode_query(parts.uri.query().unwrap_or("")).map(Self).map_err(Problem::validation)
    }
}

/// Reads a query string; parameters that `T` does not know are passed over, the first of twins counts.
pub fn decode_query<T: Decode>(query: &str) -> Result<T, Vec<FieldFault>> {
    form::decode_lenient(&Value::Object(pairs(query.as_bytes())))
}

impl<S: Send + Sync> FromRequestParts<S> for Context {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let context = Self::from_extensions(&parts.extensions).cloned();
        context.ok_or_else(|| Problem::internal("the route is not wrapped in the edge"))
    }
}
