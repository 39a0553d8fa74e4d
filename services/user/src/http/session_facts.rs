//! `GET /internal/v1/sessions/{id}`

use axum::Json;
use axum::extract::State;
use common::http::{Id, Outcome};
use contracts::facts::SessionFacts;

use crate::app::Users;

/// Whether a session's access tokens still count.
pub(super) async fn session_facts(
    Id(id): Id,
    State(users): State<Users>,
) -> Outcome<Json<SessionFacts>> {
    Ok(Json(users.session_facts(id).await?))
}
