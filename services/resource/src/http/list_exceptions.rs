//! `GET /exceptions/`.

use axum::extract::State;
use common::auth::Caller;
use common::http::{Outcome, Page, PageQuery, Params};
use contracts::exception::{ExceptionLevel, ExceptionView, date};
use contracts::form::{Decode, Form, choice, uuid};
use uuid::Uuid;

use crate::app::Directory;
use crate::store::Exception;
use crate::store::exceptions::{DateKey, Filter};

/// What the list is narrowed to.
pub(super) struct Wanted {
    tenant_id: Option<Uuid>,
    filter: Filter,
}

impl Decode for Wanted {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.optional("tenant_id", uuid);
        let level = form.optional("level", choice(ExceptionLevel::WORDS, ExceptionLevel::parse));
        let category_id = form.optional("category_id", uuid);
        let resource_id = form.optional("resource_id", uuid);
        let from = form.optional("from", date);
        let to = form.optional("to", date);
        let filter = Filter {
            level: level?,
            category_id: category_id?,
            resource_id: resource_id?,
            from: from?,
            to: to?,
        };
        Some(Self { tenant_id: tenant_id?, filter })
    }
}

/// List exceptions by their first date.
#[utoipa::path(
    get,
    path = "/exceptions/",
    operation_id = "list_exceptions",
    tag = "exceptions",
    params(
        ("tenant_id" = Option<Uuid>, Query, description = "The caller's tenant"),
        ("level" = Option<ExceptionLevel>, Query, description = "Exceptions of this level"),
        ("category_id" = Option<Uuid>, Query, description = "Exceptions of this category itself"),
        ("resource_id" = Option<Uuid>, Query, description = "Exceptions of this resource itself"),
        ("from" = Option<NaiveDate>, Query, description = "Not those that are over before this date; yearly ones never are"),
        ("to" = Option<NaiveDate>, Query, description = "Not those that begin after this date; yearly ones come in every year"),
        ("limit" = Option<u64>, Query, description = "Rows of a page, 1–200; 50 unless given", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "From the `Link` of the page before", max_length = 2048),
        ("count" = Option<bool>, Query, description = "Asks for `X-Total-Count`"),
    ),
    responses(
        (
            status = 200,
            description = "A page of exceptions; the next one is in the `Link` header",
            body = [ExceptionView],
            headers(
                ("link" = String, description = "`<…>; rel=\"next\"`, if there is more"),
                ("x-total-count" = u64, description = "With `count=true`"),
            ),
        ),
    ),
)]
pub(super) async fn list_exceptions(
    caller: Caller,
    State(directory): State<Directory>,
    Params(wanted): Params<Wanted>,
    page: PageQuery,
) -> Outcome<Page<ExceptionView>> {
    let (scope, place) = (caller.list_scope(wanted.tenant_id)?, page.after::<DateKey>()?);
    let (filter, limit, count) = (&wanted.filter, page.limit, page.count);
    let (rows, total) =
        directory.list_exceptions(scope, filter, place.as_ref(), limit, count).await?;
    Ok(page.page(rows, total, DateKey::of).map(Exception::view))
}
