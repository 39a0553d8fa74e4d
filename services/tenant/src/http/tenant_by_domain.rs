//! `GET /internal/v1/tenants?domain=`

use axum::Json;
use axum::extract::State;
use common::http::{Outcome, Params};
use contracts::facts::TenantRef;
use contracts::form::{Decode, Form, text};

use crate::app::Tenants;

pub(super) struct Query {
    domain: String,
}

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let domain = form.required("domain", text(1, 253));
        Some(Self { domain: domain? })
    }
}

/// Which tenant has a domain.
pub(super) async fn tenant_by_domain(
    Params(query): Params<Query>,
    State(tenants): State<Tenants>,
) -> Outcome<Json<TenantRef>> {
    let id = tenants.find_by_domain(&query.domain).await?;
    Ok(Json(TenantRef { id }))
}
