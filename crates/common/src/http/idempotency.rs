//! `Idempotency-Key` on requests that make or do something.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath};
use axum::response::{IntoResponse, Response};
use contracts::text::Text;
use http::header::{CONTENT_TYPE, ETAG};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::edge::Context;
use super::problem::Problem;
use crate::auth::Author;
use crate::db::{Answer, Asking, Once, Refused};

/// The name of the parameter, as operations document it.
pub(super) const NAME: &str = "Idempotency-Key";
/// The header of the request.
pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Marks an answer that an earlier request was given.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The message to a twin that has waited too long.
pub(super) const IN_PROGRESS: &str =
    "Uma requisição com esta Idempotency-Key ainda está em andamento.";
/// The most characters of a key.
const LONGEST: usize = 255;

/// How a request may be told from others and known again, if the client cares. It has to be told who
/// asks: what one has sent is nothing to another.
pub struct IdempotencyKey {
    given: Option<String>,
    route: String,
    path: String,
    query: String,
    context: Context,
}

impl IdempotencyKey {
    /// The request of `author`. After its body has been read.
    pub fn by(&self, author: impl Into<Author>) -> Once {
        let Self { given, route, path, query, context } = self;
        let Some(key) = given else { return Once::unkeyed() };
        let (author, body, now) = (author.into(), context.body(), context.received());
        Once::keyed(&Asking { key, author: author.word(), route, path, query, body, now })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let context = Context::from_request_parts(parts, state).await?;
        let mut lines = parts.headers.get_all(&KEY).iter();
        let given = match (lines.next(), lines.next()) {
            (None, _) => None,
            (Some(line), None) => Some(read(line)?),
            (Some(_), Some(_)) => return Err(ill_formed()),
        };
        let template = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        Ok(Self {
            given,
            route: format!("{} {template}", parts.method),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            context,
        })
    }
}

fn read(line: &HeaderValue) -> Result<String, Problem> {
    let key = line.as_bytes();
    let good = (1..=LONGEST).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    let key = line.to_str().ok().filter(|_| good);
    key.map(str::to_owned).ok_or_else(ill_formed)
}

fn ill_formed() -> Problem {
    let text = "Deve ser um só, de 1 a 255 caracteres ASCII visíveis.";
    Problem::field(NAME, "format", text)
}

/// For `params(…)` of the operations that take it.
impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = "Names this request, so that it can be sent again: the same key and body get the \
                    first success again, for 24 hours. Use a random UUID";
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(LONGEST))
            .pattern(Some("^[!-~]+$"))
            .build();
        let parameter = ParameterBuilder::new()
            .name(NAME)
            .parameter_in(ParameterIn::Header)
            .description(Some(text))
            .schema(Some(schema));
        vec![parameter.build()]
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body().to_vec()));
        *response.status_mut() = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        if !self.body().is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(tag) = self.etag().and_then(|tag| HeaderValue::from_str(tag).ok()) {
            headers.insert(ETAG, tag);
        }
        if let Some((name, value)) = self.header()
            && let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::from_str(value))
        {
            headers.insert(name, value);
        }
        if self.is_replayed() {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Reused => {
                let text = Text::new("A Idempotency-Key já foi usada com outra requisição.");
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", text)
            }
            Refused::InProgress => {
                let text = Text::new(IN_PROGRESS);
                Self::new(StatusCode::CONFLICT, "idempotency_in_progress", text)
                    .retry_after(Duration::from_secs(1))
            }
        }
    }
}
