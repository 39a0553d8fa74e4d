//! `GET /availability/`.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use common::auth::{Caller, Scope};
use common::http::{Context, Outcome, Problem, decode_query};
use contracts::booking::DayOrTime;
use contracts::form::{Decode, Faults, Form, from_text, text, uuid};
use contracts::page::fold;
use contracts::problem::FieldFault;
use contracts::resource::SearchView;
use scheduling::TimeInput;
use serde_json::Value;
use uuid::Uuid;

use super::list_resources::attributes;
use crate::app::{Directory, Edge, Narrow, Wanted};

/// A whole search, and whose resources.
pub(super) struct Asked {
    tenant_id: Option<Uuid>,
    wanted: Wanted,
}

impl Decode for Asked {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let number = |form: &mut Form<'_>, name, default, least, most| {
            let given = form.or(name, default, from_text::integer(least, most))?;
            u32::try_from(given).ok()
        };
        let tenant_id = form.optional("tenant_id", uuid);
        let from = form.required("from", edge);
        let to = form.required("to", edge);
        let duration = form.optional("duration", from_text::integer(1, 1_440));
        let category_id = form.optional("category_id", uuid);
        let min_capacity = number(form, "min_capacity", 1, 1, 100_000);
        let quantity = number(form, "quantity", 1, 1, 100_000);
        let limit = number(form, "limit", 50, 1, 200);
        let starts = number(form, "starts_per_resource", 3, 1, 20);
        let search = form.optional("q", text(0, 200));
        let narrow = Narrow {
            category_id: category_id?,
            min_capacity: min_capacity?,
            text: search?.filter(|text| !text.is_empty()).map(|text| fold(&text)),
            attributes: Vec::new(),
        };
        let wanted = Wanted {
            from: from?,
            to: to?,
            duration: duration?.and_then(|minutes| u32::try_from(minutes).ok()),
            quantity: quantity?,
            narrow,
            limit: usize::try_from(limit?).ok()?,
            starts: usize::try_from(starts?).ok()?,
        };
        Some(Self { tenant_id: tenant_id?, wanted })
    }
}

fn edge(value: &Value, faults: &mut Faults) -> Option<Edge> {
    let text = value.as_str().unwrap_or_default();
    let day = (text.len() == 10).then(|| text.parse::<NaiveDate>().ok()).flatten();
    // A `+` of an offset that was not percent-encoded arrives as a space.
    day.map(Edge::Day)
        .or_else(|| TimeInput::parse(text).map(Edge::Time))
        .or_else(|| TimeInput::parse(&text.replacen(' ', "+", 1)).map(Edge::Time))
        .or_else(|| faults.add("format", "Deve ser YYYY-MM-DD ou data e hora RFC 3339."))
}

impl Asked {
    fn read(query: &str) -> Result<Self, Vec<FieldFault>> {
        match (decode_query::<Self>(query), attributes(query)) {
            (Ok(mut asked), Ok(attributes)) => {
                asked.wanted.narrow.attributes = attributes;
                Ok(asked)
            }
            (asked, attributes) => {
                let mut faults = asked.err().unwrap_or_default();
                faults.extend(attributes.err().unwrap_or_default());
                Err(faults)
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(parts.uri.query().unwrap_or("")).map_err(Problem::validation)
    }
}

/// Search for free resources.
///
/// The resources that can be booked inside `[from, to)`, by their earliest start, then by name, each with
/// its first starts. Every start can be booked.
#[utoipa::path(
    get,
    path = "/availability/",
    operation_id = "search_availability",
    tag = "resources",
    params(
        ("tenant_id" = Option<Uuid>, Query, description = "The tenant; absent = the caller's"),
        ("from" = inline(DayOrTime), Query, description = "Date or RFC 3339 time: nothing starts before it"),
        ("to" = inline(DayOrTime), Query, description = "Date or RFC 3339 time, at most 31 days later: everything ends by it"),
        ("duration" = Option<u32>, Query, description = "Minutes, a multiple of the tenant's interval; the interval unless given", minimum = 1, maximum = 1440),
        ("quantity" = Option<u32>, Query, description = "Places of a shared resource; 1 unless given", minimum = 1, maximum = 100_000),
        ("category_id" = Option<Uuid>, Query, description = "Resources of this category"),
        ("min_capacity" = Option<u32>, Query, description = "Resources in which at least so many people fit", minimum = 1, maximum = 100_000),
        ("q" = Option<String>, Query, description = "A literal substring of name, description or location, whatever the case", max_length = 200),
        ("attributes.<key>" = Option<String>, Query, description = "Resources whose attribute `<key>` is this string, number or boolean, as text; at most 10 of them", max_length = 500, pattern = r"^[^\x00]*$"),
        ("limit" = Option<u32>, Query, description = "How many resources at most"),
        ("starts_per_resource" = Option<u32>, Query, description = "Starts of each, 1–20; 3 unless given", minimum = 1, maximum = 20),
    ),
    responses(
        (status = 200, description = "The resources that are free", body = SearchView,
            headers(("Cache-Control" = String, description = "`no-store`"))),
        (status = 400, description = "Duração deve ser múltiplo de 30 minutos."),
        (status = 404, description = "Tenant não encontrado"),
    ),
)]
pub(super) async fn search_availability(
    caller: Caller,
    State(directory): State<Directory>,
    context: Context,
    Asked { tenant_id, wanted }: Asked,
) -> Outcome<Response> {
    let tenant = match caller.list_scope(tenant_id)? {
        Scope::Tenant(tenant) => tenant,
        // The developer is of no tenant.
        Scope::All => return Err(Problem::field("tenant_id", "missing", "Campo obrigatório.")),
    };
    context.note_tenant(tenant);
    let found = directory.search().find(tenant, wanted).await?;
    let mut response = Json(found).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_parameter_is_named_at_once() {
        let query = "from=x&duration=0&limit=201&starts_per_resource=21&quantity=a&attributes.=1";
        let faults = Asked::read(query).err().unwrap_or_default();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        let bad =
            ["from", "to", "duration", "quantity", "limit", "starts_per_resource", "attributes."];
        assert_eq!(paths, bad);
    }

    #[test]
    fn a_plain_search_has_defaults() {
        let asked = Asked::read("from=2027-03-01&to=2027-03-02T10:00:00%2B02:00&q=").ok().unwrap();
        assert!(matches!(asked.wanted.from, Edge::Day(_)));
        assert_eq!((asked.wanted.limit, asked.wanted.starts, asked.wanted.quantity), (50, 3, 1));
        assert_eq!((asked.wanted.duration, asked.wanted.narrow.text), (None, None));
    }
}
