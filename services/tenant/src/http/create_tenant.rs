//! `POST /tenants/`

use axum::extract::State;
use common::auth::Author;
use common::db::Answer;
use common::http::{Body, IdempotencyKey, Outcome};
use contracts::tenant::{CreateTenant, TenantView};

use crate::app::Tenants;

/// Registers a business.
///
/// Public: anyone may begin one. The first admin is then made by `POST /users/`.
#[utoipa::path(
    post,
    path = "/tenants/",
    tag = "tenants",
    security(()),
    params(IdempotencyKey),
    request_body = CreateTenant,
    responses(
        (status = 201, description = "The new tenant", body = TenantView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "Domínio já cadastrado."),
    )
)]
pub(super) async fn create_tenant(
    State(tenants): State<Tenants>,
    key: IdempotencyKey,
    Body(profile): Body<CreateTenant>,
) -> Outcome<Answer> {
    Ok(tenants.create(&key.by(Author::nobody()), profile).await?)
}
