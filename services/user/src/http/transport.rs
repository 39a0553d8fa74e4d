//! How refresh tokens travel: in a cookie that scripts cannot read, or, where a client asks for it, in
//! the body.

use axum::Json;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::{CACHE_CONTROL, COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use common::http::{Params, Problem};
use common::settings::Origins;
use contracts::form::{Decode, Form, choice};

use crate::app::Tokens;
use crate::error::Error;

/// The cookie's name.
const NAME: &str = "marca_refresh";
/// Where it goes, and who may see it: the attributes of both a new cookie and a cleared one.
const ATTRIBUTES: &str = "Path=/auth; HttpOnly; Secure; SameSite=Strict";
/// Seconds it is kept: as long as a refresh token can be traded.
const MAX_AGE: u32 = 604_800;

/// By which way the refresh tokens of a request and its answer travel.
pub(super) enum Transport {
    /// In the cookie; with the one that came, if any.
    Cookie(Option<String>),
    /// In the body.
    Body,
}

struct Query {
    in_body: bool,
}

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let parse = |word: &str| match word {
            "cookie" => Some(false),
            "body" => Some(true),
            _ => None,
        };
        let in_body = form.optional("transport", choice(&["cookie", "body"], parse));
        Some(Self { in_body: in_body?.unwrap_or(false) })
    }
}

impl<S> FromRequestParts<S> for Transport
where
    S: Send + Sync,
    Origins: FromRef<S>,
{
    type Rejection = Problem;

    /// A cookie comes along with whatever page sends the request: 403 unless that page is our own or
    /// one that the configuration names.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Params(Query { in_body }) = Params::from_request_parts(parts, state).await?;
        if in_body {
            return Ok(Self::Body);
        }
        if !is_trusted(parts, &Origins::from_ref(state)) {
            return Err(Problem::forbidden("Origem não permitida."));
        }
        let headers = parts.headers.get_all(COOKIE).iter();
        let pairs = headers.filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(';'));
        let named = pairs.filter_map(|pair| pair.trim().split_once('='));
        let mut ours = named.filter(|(name, value)| *name == NAME && !value.is_empty());
        Ok(Self::Cookie(ours.next().map(|(_, value)| value.to_owned())))
    }
}

fn is_trusted(parts: &Parts, origins: &Origins) -> bool {
    let Some(origin) = parts.headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let listed = match origins {
        Origins::Any => true,
        Origins::These(list) => list.iter().any(|known| known == origin),
    };
    listed || own(parts).is_some_and(|host| same(origin, host))
}

/// The host that the client asked for.
fn own(parts: &Parts) -> Option<&str> {
    let named = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    named.or_else(|| parts.uri.authority().map(Authority::as_str))
}

/// Whether an origin is a page of `host`, whichever of the two names the usual port.
fn same(origin: &str, host: &str) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else { return false };
    let usual = match origin.scheme_str() {
        Some("https") => ":443",
        Some("http") => ":80",
        Some(_) | None => return false,
    };
    let Some(authority) = origin.authority() else { return false };
    let bare = |host: &str| host.strip_suffix(usual).unwrap_or(host).to_ascii_lowercase();
    bare(authority.as_str()) == bare(host)
}

impl Transport {
    /// The refresh token of the request: that of the body where it travels there.
    pub(super) fn presented(&self, body: Option<String>) -> Option<String> {
        match self {
            Self::Cookie(token) => token.clone(),
            Self::Body => body,
        }
    }

    /// The answer that hands out tokens.
    pub(super) fn hand_out(&self, tokens: Tokens) -> Response {
        let Tokens { mut view, refresh } = tokens;
        let cookie = match self {
            Self::Cookie(_) => Some(format!("{NAME}={refresh}; Max-Age={MAX_AGE}; {ATTRIBUTES}")),
            Self::Body => {
                view.refresh_token = Some(refresh);
                None
            }
        };
        with_cookie(Json(view).into_response(), cookie)
    }

    /// The same answer, after which the client has no refresh token any more.
    pub(super) fn clear(&self, answer: impl IntoResponse) -> Response {
        let cookie = match self {
            Self::Cookie(_) => Some(format!("{NAME}=; Max-Age=0; {ATTRIBUTES}")),
            Self::Body => None,
        };
        with_cookie(answer.into_response(), cookie)
    }

    /// A refusal. Only one that is for ever takes the cookie away.
    pub(super) fn refuse(&self, error: Error) -> Response {
        let for_ever = matches!(error, Error::BadRefresh);
        let answer = Problem::from(error).into_response();
        if for_ever { self.clear(answer) } else { with_cookie(answer, None) }
    }
}

fn with_cookie(mut answer: Response, cookie: Option<String>) -> Response {
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
        headers.append(SET_COOKIE, cookie);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_our_own_by_host_and_port() {
        for (origin, host) in [
            ("https://marca.example", "marca.example"),
            ("https://marca.example", "marca.example:443"),
            ("https://Marca.example:443", "marca.example"),
            ("http://localhost:8000", "localhost:8000"),
            ("http://[::1]:8000", "[::1]:8000"),
        ] {
            assert!(same(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("https://evil.example", "marca.example"),
            ("https://marca.example.evil", "marca.example"),
            ("http://localhost:8000", "localhost:9000"),
            ("http://localhost", "localhost:443"),
            ("null", "marca.example"),
            ("file://marca.example", "marca.example"),
        ] {
            assert!(!same(origin, host), "{origin} {host}");
        }
    }
}
