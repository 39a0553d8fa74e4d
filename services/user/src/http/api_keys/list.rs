//! `GET /tenants/{id}/api-keys`

use axum::extract::State;
use chrono::Datelike as _;
use common::auth::Caller;
use common::http::{Id, Outcome, Page, PageQuery, Problem};
use contracts::api_key::ApiKeyView;

use crate::app::Users;
use crate::store::api_key::{ApiKey, Key};

/// Lists a tenant's API keys, the oldest first; never the keys themselves.
///
/// For the tenant's admins. Revoked and expired keys stay in the list.
#[utoipa::path(
    get,
    path = "/tenants/{id}/api-keys",
    tag = "api-keys",
    params(
        ("id" = Uuid, Path, description = "The tenant"),
        ("limit" = Option<u32>, Query, description = "Rows wanted", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "From the `Link` header of the page before"),
        ("count" = Option<bool>, Query, description = "Whether `X-Total-Count` is wanted"),
    ),
    responses(
        (status = 200, description = "The keys", body = [ApiKeyView]),
        (status = 403, description = "A requisição se refere a outro tenant."),
        (status = 404, description = "Tenant não encontrado"),
    )
)]
pub(crate) async fn list_api_keys(
    caller: Caller,
    Id(id): Id,
    page: PageQuery,
    State(users): State<Users>,
) -> Outcome<Page<ApiKeyView>> {
    let after: Option<Key> = page.after()?;
    // A cursor is ours, but anyone may write one: a year that Postgres cannot hold is none of ours.
    if after.as_ref().is_some_and(|Key(at, _)| !(1970..=9999).contains(&at.year())) {
        return Err(Problem::field("cursor", "format", "Cursor inválido."));
    }
    let (rows, total) =
        users.list_api_keys(&caller, id, (after, page.limit + 1), page.count).await?;
    let views = rows.into_iter().map(ApiKey::view).collect::<Result<Vec<_>, _>>()?;
    Ok(page.page(views, total, |view| Key(view.created_at, view.id)))
}
