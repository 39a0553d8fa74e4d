//! `GET /resources/{id}/availability`.

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use common::auth::Caller;
use common::http::{Context, Id, Outcome, Problem, decode_query, has_it};
use contracts::form::{Decode, Form, from_text};
use contracts::problem::FieldFault;
use contracts::resource::Availability;

use crate::app::{Directory, Range, Ready};

/// The most days of one answer.
const MOST_DAYS: i64 = 31;

/// Which day or days, and whether the caches may answer. Whether it is a day at all is judged after the
/// resource was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    date: Option<String>,
    range: Range,
}

/// What may follow the date.
struct Extent {
    days: Option<u32>,
    explain: bool,
}

impl Decode for Extent {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let days = form.optional("days", from_text::integer(1, MOST_DAYS));
        let explain = form.or("explain", false, from_text::boolean);
        Some(Self { days: days?.and_then(|days| u32::try_from(days).ok()), explain: explain? })
    }
}

impl Asked {
    /// Reads `date`, or `data` where there is none; the first of twins counts.
    fn read(query: &str, headers: &HeaderMap) -> Result<Self, Vec<FieldFault>> {
        let named = |wanted: &str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        let Extent { days, explain } = decode_query(query)?;
        let range = Range { days, explain, bypass: wants_it_fresh(headers) };
        Ok(Self { date: named("date").or_else(|| named("data")), range })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or("");
        Self::read(query, &parts.headers).map_err(Problem::validation)
    }
}

/// List the free slots of a day.
///
/// Every slot listed can be booked. The answer is the same for every user of the tenant. With `days` it is
/// a list of days; with `explain` every other slot of the grid is there, too, and why it is not free.
#[utoipa::path(
    get,
    path = "/resources/{id}/availability",
    operation_id = "get_availability",
    tag = "resources",
    params(
        ("id" = Uuid, Path, description = "The resource"),
        ("date" = Option<NaiveDate>, Query, description = "The civil day, `YYYY-MM-DD`; required, by this name or as `data`"),
        ("data" = Option<NaiveDate>, Query, description = "The same as `date`"),
        ("days" = Option<u32>, Query, description = "So many days from `date` on, as a list that ends where the tenant's window ends", minimum = 1, maximum = 31),
        ("explain" = Option<bool>, Query, description = "`true`: `refused` has the slots that cannot be booked, with layer, rule, reason and until when"),
        ("cache-control" = Option<String>, Header, description = "`no-cache`: the answer is made anew"),
        ("if-none-match" = Option<String>, Header, description = "`ETag`s of answers that the client has"),
    ),
    responses(
        (status = 200, description = "The slots, in the tenant's zone; with `days` a list of days", body = Availability,
            headers(
                ("Cache-Control" = String, description = "`private, no-cache`; `no-store` with `settings_source`"),
                ("ETag" = String, description = "Strong: equal answers have one, others another"),
            )),
        (status = 304, description = "The client has this answer"),
        (status = 400, description = "Recurso indisponível para reservas."),
        (status = 404, description = "Recurso não encontrado"),
    ),
)]
pub(super) async fn get_availability(
    caller: Caller,
    State(directory): State<Directory>,
    context: Context,
    headers: HeaderMap,
    Id(id): Id,
    Asked { date, range }: Asked,
) -> Outcome<Response> {
    let (availability, scope) = (directory.availability(), caller.scope());
    let plain = range.days.is_none() && !range.explain;
    let ready = if plain {
        availability.of_day(scope, id, date.as_deref(), range.bypass).await?
    } else {
        availability.of_range(scope, id, date.as_deref(), range).await?
    };
    context.note_tenant(ready.tenant_id);
    Ok(answer(&ready, &headers))
}

/// The answer, or that the client has it.
fn answer(ready: &Ready, headers: &HeaderMap) -> Response {
    let mut response = Response::default();
    let answer = response.headers_mut();
    if ready.by_default_rules {
        answer.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    } else {
        // Whoever keeps it asks each time whether it still is what he has.
        answer.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        if let Ok(tag) = HeaderValue::from_str(&ready.tag) {
            answer.insert(ETAG, tag);
        }
        if has_it(headers, &ready.tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
    }
    answer.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.body_mut() = Body::from(ready.body.clone());
    response
}

fn wants_it_fresh(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case("no-cache"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_has_two_names() {
        let date = |query| Asked::read(query, &HeaderMap::new()).unwrap().date;
        assert_eq!(date("data=b&date=a"), Some("a".to_owned()));
        assert_eq!(date("x=1&data=2027%2D03"), Some("2027-03".to_owned()));
        assert_eq!(date("dates=1"), None);
    }

    #[test]
    fn how_far_and_how_deep_has_bounds() {
        let range = |query| Asked::read(query, &HeaderMap::new()).map(|asked| asked.range).ok();
        let plain = Range { days: None, explain: false, bypass: false };
        assert_eq!(range("date=x"), Some(plain));
        let deep = Range { days: Some(31), explain: true, bypass: false };
        assert_eq!(range("days=31&explain=true"), Some(deep));
        for bad in ["days=0", "days=32", "days=x", "explain=perhaps"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_cache_is_found_among_other_directives() {
        let asks = |value: &'static str| {
            wants_it_fresh(&HeaderMap::from_iter([(
                CACHE_CONTROL,
                HeaderValue::from_static(value),
            )]))
        };
        assert!(asks("no-cache"));
        assert!(asks("max-age=0, No-Cache"));
        assert!(!asks("max-age=0"));
        assert!(!wants_it_fresh(&HeaderMap::new()));
    }
}
