//! `GET /resources/`.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use common::auth::Caller;
use common::http::{Outcome, Page, PageQuery, Problem, decode_query};
use contracts::form::{Decode, Form, choice, text, uuid};
use contracts::problem::FieldFault;
use contracts::resource::{ResourceStatus, ResourceView};
use uuid::Uuid;

use super::list::place;
use crate::app::Directory;
use crate::store::resources::Filter;
use crate::store::{Category, Resource, SortKey};

/// The most attributes a list is narrowed by.
const MAX_ATTRIBUTES: usize = 10;
/// The most characters of an attribute's key or value.
const MAX_TEXT: usize = 500;
const PREFIX: &str = "attributes.";

/// What the list is narrowed to.
pub(super) struct Wanted {
    tenant_id: Option<Uuid>,
    filter: Filter,
}

impl Decode for Wanted {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.optional("tenant_id", uuid);
        let category_id = form.optional("category_id", uuid);
        let status = form.optional("status", choice(ResourceStatus::WORDS, ResourceStatus::parse));
        let search = form.optional("search", text(0, 200));
        let filter = Filter {
            category_id: category_id?,
            status: status?,
            search: search?.filter(|text| !text.is_empty()),
            attributes: Vec::new(),
        };
        Some(Self { tenant_id: tenant_id?, filter })
    }
}

impl Wanted {
    fn read(query: &str) -> Result<Self, Vec<FieldFault>> {
        let (known, attributes) = (decode_query::<Self>(query), attributes(query));
        match (known, attributes) {
            (Ok(Self { tenant_id, filter }), Ok(attributes)) => {
                Ok(Self { tenant_id, filter: Filter { attributes, ..filter } })
            }
            (known, attributes) => {
                let mut faults = known.err().unwrap_or_default();
                faults.extend(attributes.err().unwrap_or_default());
                Err(faults)
            }
        }
    }
}

/// Every `attributes.<key>=<text>`; the key may hold anything, dots included.
pub(super) fn attributes(query: &str) -> Result<Vec<(String, String)>, Vec<FieldFault>> {
    let (mut wanted, mut faults) = (Vec::new(), Vec::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let Some(key) = name.strip_prefix(PREFIX) else { continue };
        let bad = |text: &str| text.chars().count() > MAX_TEXT || text.contains('\0');
        if key.is_empty() || bad(key) || bad(&value) {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
            faults.push(FieldFault::new(shown, "format", "Atributo inválido."));
            break;
        }
        if wanted.len() == MAX_ATTRIBUTES {
            let message = format!("No máximo {MAX_ATTRIBUTES} atributos.");
            faults.push(FieldFault::new("attributes", "length", message));
            break;
        }
        wanted.push((key.to_owned(), value.into_owned()));
    }
    if faults.is_empty() { Ok(wanted) } else { Err(faults) }
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(parts.uri.query().unwrap_or("")).map_err(Problem::validation)
    }
}

/// List resources by name.
#[utoipa::path(
    get,
    path = "/resources/",
    operation_id = "list_resources",
    tag = "resources",
    params(
        ("tenant_id" = Option<Uuid>, Query, description = "The caller's tenant"),
        ("category_id" = Option<Uuid>, Query, description = "Resources of this category"),
        ("status" = Option<ResourceStatus>, Query, description = "Resources in this state"),
        ("search" = Option<String>, Query, description = "A literal substring of name, description or location, whatever the case", max_length = 200),
        ("attributes.<key>" = Option<String>, Query, description = "Resources whose attribute `<key>` is this string, number or boolean, as text; at most 10 of them", max_length = 500, pattern = r"^[^\x00]*$"),
        ("limit" = Option<u64>, Query, description = "Rows of a page, 1–200; 50 unless given", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "From the `Link` of the page before", max_length = 2048),
        ("count" = Option<bool>, Query, description = "Asks for `X-Total-Count`"),
    ),
    responses(
        (
            status = 200,
            description = "A page of resources; the next one is in the `Link` header",
            body = [ResourceView],
            headers(
                ("link" = String, description = "`<…>; rel=\"next\"`, if there is more"),
                ("x-total-count" = u64, description = "With `count=true`"),
            ),
        ),
    ),
)]
pub(super) async fn list_resources(
    caller: Caller,
    State(directory): State<Directory>,
    wanted: Wanted,
    page: PageQuery,
) -> Outcome<Page<ResourceView>> {
    let (scope, place) = (caller.list_scope(wanted.tenant_id)?, place(&page)?);
    let (filter, limit, count) = (&wanted.filter, page.limit, page.count);
    let (rows, total) =
        directory.list_resources(scope, filter, place.as_ref(), limit, count).await?;
    let key = |(row, _): &(Resource, Category)| SortKey { name: row.name_key.clone(), id: row.id };
    Ok(page.page(rows, total, key).map(|(resource, category)| resource.view(category)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_parameter_is_named_at_once() {
        let query = "tenant_id=x&status=livre&attributes.=1";
        let faults = Wanted::read(query).err().unwrap_or_default();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, ["tenant_id", "status", "attributes."]);
    }

    #[test]
    fn keys_of_attributes_may_hold_anything() {
        let read = attributes("attributes.a.b%22=1&attributes.c%27=%25&other=2").unwrap();
        let pair = |key: &str, text: &str| (key.to_owned(), text.to_owned());
        assert_eq!(read, [pair("a.b\"", "1"), pair("c'", "%")]);
    }

    #[test]
    fn attributes_are_bounded() {
        let many: Vec<String> = (0..11).map(|n| format!("attributes.k{n}=1")).collect();
        assert_eq!(attributes(&many.join("&")).unwrap_err()[0].code, "length");
        assert_eq!(attributes("attributes.k=%00").unwrap_err()[0].code, "format");
        assert!(attributes(&many[..10].join("&")).is_ok());
    }
}
