//! `GET /resources/{id}/availability`.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use common::auth::Caller;
use common::http::{Context, Id, Outcome};
use contracts::resource::AvailabilityView;

use crate::app::Directory;

/// Which day, and whether the caches may answer. Whether it is a day at all is judged after the
/// resource was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    date: Option<String>,
    bypass: bool,
}

impl Asked {
    /// Reads `date`, or `data` where there is none; the first of twins counts.
    fn read(query: &str, headers: &HeaderMap) -> Self {
        let named = |wanted: &str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        Self { date: named("date").or_else(|| named("data")), bypass: wants_it_fresh(headers) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(parts.uri.query().unwrap_or(""), &parts.headers))
    }
}

/// List the free slots of a day.
///
/// Every slot listed can be booked. The answer is the same for every user of the tenant.
#[utoipa::path(
    get,
    path = "/resources/{id}/availability",
    operation_id = "get_availability",
    tag = "resources",
    params(
        ("id" = Uuid, Path, description = "The resource"),
        ("date" = Option<NaiveDate>, Query, description = "The civil day, `YYYY-MM-DD`; required, by this name or as `data`"),
        ("data" = Option<NaiveDate>, Query, description = "The same as `date`"),
        ("cache-control" = Option<String>, Header, description = "`no-cache`: the answer is made anew"),
    ),
    responses(
        (status = 200, description = "The slots, in the tenant's zone", body = AvailabilityView,
            headers(("Cache-Control" = String, description = "`no-store` with `settings_source`"))),
        (status = 400, description = "Recurso indisponível para reservas."),
        (status = 404, description = "Recurso não encontrado"),
    ),
)]
pub(super) async fn get_availability(
    caller: Caller,
    State(directory): State<Directory>,
    context: Context,
    Id(id): Id,
    Asked { date, bypass }: Asked,
) -> Outcome<Response> {
    let availability = directory.availability();
    let ready = availability.of_day(caller.scope(), id, date.as_deref(), bypass).await?;
    context.note_tenant(ready.tenant_id);
    let mut response = Response::new(Body::from(ready.body.clone()));
    let answer = response.headers_mut();
    answer.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if ready.by_default_rules {
        answer.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
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
        let date = |query| Asked::read(query, &HeaderMap::new()).date;
        assert_eq!(date("data=b&date=a"), Some("a".to_owned()));
        assert_eq!(date("x=1&data=2027%2D03"), Some("2027-03".to_owned()));
        assert_eq!(date("dates=1"), None);
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
