//! `GET /categories/`.

use axum::extract::State;
use common::auth::Caller;
use common::http::{Outcome, Page, PageQuery, Params};
use contracts::form::{Decode, Form, uuid};
use contracts::resource::CategoryView;
use uuid::Uuid;

use super::list::place;
use crate::app::Directory;
use crate::store::{Category, SortKey};

/// What the list is narrowed to.
pub(super) struct Wanted {
    tenant_id: Option<Uuid>,
}

impl Decode for Wanted {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        Some(Self { tenant_id: form.optional("tenant_id", uuid)? })
    }
}

/// List categories by name.
#[utoipa::path(
    get,
    path = "/categories/",
    operation_id = "list_categories",
    tag = "categories",
    params(
        ("tenant_id" = Option<Uuid>, Query, description = "The caller's tenant"),
        ("limit" = Option<u64>, Query, description = "Rows of a page, 1–200; 50 unless given", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "From the `Link` of the page before", max_length = 2048),
        ("count" = Option<bool>, Query, description = "Asks for `X-Total-Count`"),
    ),
    responses(
        (
            status = 200,
            description = "A page of categories; the next one is in the `Link` header",
            body = [CategoryView],
            headers(
                ("link" = String, description = "`<…>; rel=\"next\"`, if there is more"),
                ("x-total-count" = u64, description = "With `count=true`"),
            ),
        ),
    ),
)]
pub(super) async fn list_categories(
    caller: Caller,
    State(directory): State<Directory>,
    Params(wanted): Params<Wanted>,
    page: PageQuery,
) -> Outcome<Page<CategoryView>> {
    let (scope, place) = (caller.list_scope(wanted.tenant_id)?, place(&page)?);
    let listed = directory.list_categories(scope, place.as_ref(), page.limit, page.count).await;
    let (rows, total) = listed?;
    let key = |row: &Category| SortKey { name: row.name_key.clone(), id: row.id };
    Ok(page.page(rows, total, key).map(Category::view))
}
