//! `GET /resources/{id}/availability`.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use common::auth::Caller;
use common::http::{Context, Id, Outcome, Params};
use contracts::form::{Decode, Form, text};
use contracts::resource::AvailabilityView;

use crate::app::Directory;

/// Which day. Whether it is one is judged after the resource was found.
pub(super) struct Day(Option<String>);

impl Decode for Day {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let date = form.optional("date", text(0, 100));
        let alias = form.optional("data", text(0, 100));
        Some(Self(date?.or(alias?)))
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
        (status = 200, description = "The slots, in the tenant's zone", body = AvailabilityView),
        (status = 400, description = "Recurso indisponível para reservas."),
        (status = 404, description = "Recurso não encontrado"),
    ),
)]
pub(super) async fn get_availability(
    caller: Caller,
    State(directory): State<Directory>,
    context: Context,
    Id(id): Id,
    Params(Day(date)): Params<Day>,
    headers: HeaderMap,
) -> Outcome<Response> {
    let (scope, bypass) = (caller.scope(), wants_it_fresh(&headers));
    let ready = directory.availability().of_day(scope, id, date.as_deref(), bypass).await?;
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
