//! Pages of lists: `limit`, opaque `cursor`, `Link: …; rel="next"`, `X-Total-Count` on request.

use std::convert::Infallible;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use contracts::form::{Decode, Form, from_text};
use contracts::page::{DEFAULT_LIMIT, MAX_LIMIT, decode_cursor, encode_cursor};
use http::header::{HOST, LINK};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::extract::decode_query;
use super::problem::Problem;

/// What a client asks of a list beside its filters.
#[derive(Debug, Clone)]
pub struct PageQuery {
    /// Rows wanted, 1–200.
    pub limit: u64,
    /// Whether `X-Total-Count` is wanted.
    pub count: bool,
    cursor: Option<String>,
    here: Here,
}

/// Where the client believes it is, for the link to the next page.
#[derive(Debug, Clone)]
struct Here {
    origin: String,
    path: String,
    query: String,
}

struct Asked {
    limit: u64,
    count: bool,
    cursor: Option<String>,
}

impl Decode for Asked {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let most = i64::try_from(MAX_LIMIT).unwrap_or(i64::MAX);
        let limit = form.optional("limit", from_text::integer(1, most));
        let count = form.optional("count", from_text::boolean);
        let cursor = form.optional("cursor", contracts::form::text(1, 2_048));
        let limit = limit?.and_then(|limit| u64::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT);
        Some(Self { limit, count: count?.unwrap_or(false), cursor: cursor? })
    }
}

impl PageQuery {
    /// The sort key after which the page starts.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        self.cursor
            .as_deref()
            .map(|cursor| {
                decode_cursor(cursor)
                    .ok_or_else(|| Problem::field("cursor", "format", "Cursor inválido."))
            })
            .transpose()
    }

    /// A page of `rows`, of which the store was asked for one more than `limit`.
    pub fn page<T, K: Serialize>(
        self,
        mut rows: Vec<T>,
        total: Option<u64>,
        key: impl Fn(&T) -> K,
    ) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = more
            .then(|| rows.last().map(|row| self.here.next(&encode_cursor(&key(row)))))
            .flatten();
        Page { rows, next, total }
    }
}

impl Here {
    fn next(&self, cursor: &str) -> String {
        let kept =
            url::form_urlencoded::parse(self.query.as_bytes()).filter(|(name, _)| name != "cursor");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .append_pair("cursor", cursor)
            .finish();
        format!("<{}{}?{query}>; rel=\"next\"", self.origin, self.path)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or("").to_owned();
        let asked: Asked = decode_query(&query).map_err(Problem::validation)?;
        let here = Here { origin: origin(parts), path: path(&parts.uri), query };
        Ok(Self { limit: asked.limit, count: asked.count, cursor: asked.cursor, here })
    }
}

fn path(uri: &Uri) -> String {
    uri.path().to_owned()
}

/// Scheme, host and port as the client sent them; empty (a relative link) when it sent none.
fn origin(parts: &Parts) -> String {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = header("x-forwarded-proto").filter(|scheme| matches!(*scheme, "http" | "https"));
    let safe =
        |host: &&str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b));
    header(HOST.as_str())
        .filter(safe)
        .map(|host| format!("{}://{host}", scheme.unwrap_or("http")))
        .unwrap_or_default()
}

/// Where the client believes it is: scheme, host and port. For links in an answer, where nobody has said
/// what the public address is.
#[derive(Debug, Clone)]
pub struct Origin(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(origin(parts)))
    }
}

/// One page of a list.
pub struct Page<T> {
    rows: Vec<T>,
    next: Option<String>,
    total: Option<u64>,
}

impl<T> Page<T> {
    /// The same page with each row in another form.
    pub fn map<U>(self, form: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(form).collect(), next: self.next, total: self.total }
    }
}

impl<T> Page<T> {
    /// The rows, for an answer that has more than them.
    pub fn into_rows(self) -> Vec<T> {
        self.rows
    }

    /// `Link` and `X-Total-Count`.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let link = self.next.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(link)) = link {
            headers.insert(LINK, link);
        }
        if let Some(total) = self.total {
            headers.insert("x-total-count", HeaderValue::from(total));
        }
        headers
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let headers = self.headers();
        (headers, Json(self.rows)).into_response()
    }
}
