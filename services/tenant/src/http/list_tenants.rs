//! `GET /tenants/`

use axum::extract::State;
use common::auth::MaybeCaller;
use common::http::{Outcome, Page, PageQuery, Problem};
use contracts::tenant::TenantAnswer;

use super::answer;
use crate::app::Tenants;
use crate::store::{Key, Tenant, Window};

/// Lists the tenants by name.
///
/// Public. The reader's own tenant comes whole, every other one with its public fields only.
#[utoipa::path(
    get,
    path = "/tenants/",
    tag = "tenants",
    security((), ("bearer" = [])),
    params(
        ("limit" = Option<u32>, Query, description = "Rows wanted", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "From the `Link` header of the page before"),
        ("count" = Option<bool>, Query, description = "Whether `X-Total-Count` is wanted"),
    ),
    responses((status = 200, description = "The tenants, by name", body = [TenantAnswer]))
)]
pub(super) async fn list_tenants(
    MaybeCaller(caller): MaybeCaller,
    page: PageQuery,
    State(tenants): State<Tenants>,
) -> Outcome<Page<TenantAnswer>> {
    let after: Option<Key> = page.after()?;
    if after.as_ref().is_some_and(|key| !key.is_sane()) {
        return Err(Problem::field("cursor", "format", "Cursor inválido."));
    }
    let window = Window { after, limit: page.limit + 1 };
    let (rows, total) = tenants.list(&window, page.count).await?;
    Ok(page.page(rows, total, Tenant::key).map(|tenant| answer(tenant, caller.as_ref())))
}
