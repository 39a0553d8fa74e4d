//! `POST /tenants/`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use common::http::{Body, Outcome};
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
    request_body = CreateTenant,
    responses(
        (status = 201, description = "The new tenant", body = TenantView),
        (status = 400, description = "Domínio já cadastrado."),
    )
)]
pub(super) async fn create_tenant(
    State(tenants): State<Tenants>,
    Body(profile): Body<CreateTenant>,
) -> Outcome<(StatusCode, Json<TenantView>)> {
    let tenant = tenants.create(profile).await?;
    Ok((StatusCode::CREATED, Json(tenant.view())))
}
