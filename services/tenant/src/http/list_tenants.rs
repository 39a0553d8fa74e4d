//! `GET /tenants/`

use axum::extract::State;
use common::auth::{MaybePrincipal, Principal};
use common::http::{Outcome, Page, PageQuery, Params, Problem};
use contracts::form::{Decode, Form, from_text};
use contracts::tenant::TenantAnswer;

use super::answer;
use crate::app::Tenants;
use crate::store::{Key, Tenant, Window};

pub(super) struct Query {
    is_active: Option<bool>,
}

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let is_active = form.optional("is_active", from_text::boolean);
        Some(Self { is_active: is_active? })
    }
}

/// Lists the tenants by name.
///
/// Public. The reader's own tenant comes whole, every other one with its public fields only; platform
/// operators see all of each.
#[utoipa::path(
    get,
    path = "/tenants/",
    tag = "tenants",
    security((), ("bearer" = [])),
    params(
        ("is_active" = Option<bool>, Query,
            description = "Active or suspended ones only; for platform operators, else 403"),
        ("limit" = Option<u32>, Query, description = "Rows wanted", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "From the `Link` header of the page before"),
        ("count" = Option<bool>, Query, description = "Whether `X-Total-Count` is wanted"),
    ),
    responses(
        (status = 200, description = "The tenants, by name", body = [TenantAnswer]),
        (status = 403, description = "Você não tem permissão para esta operação."),
    )
)]
pub(super) async fn list_tenants(
    MaybePrincipal(reader): MaybePrincipal,
    Params(query): Params<Query>,
    page: PageQuery,
    State(tenants): State<Tenants>,
) -> Outcome<Page<TenantAnswer>> {
    if query.is_active.is_some() && !reader.as_ref().is_some_and(Principal::runs_platform) {
        return Err(Problem::not_allowed());
    }
    let after: Option<Key> = page.after()?;
    if after.as_ref().is_some_and(|key| !key.is_sane()) {
        return Err(Problem::field("cursor", "format", "Cursor inválido."));
    }
    let window = Window { after, limit: page.limit + 1 };
    let (rows, total) = tenants.list(query.is_active, &window, page.count).await?;
    Ok(page.page(rows, total, Tenant::key).map(|tenant| answer(tenant, reader.as_ref())))
}
