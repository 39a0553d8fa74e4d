//! `GET /internal/v1/users/{id}`

use axum::Json;
use axum::extract::State;
use common::http::{Id, Outcome};
use contracts::facts::UserFacts;

use crate::app::Users;

/// What the neighbours decide by.
pub(super) async fn user_facts(Id(id): Id, State(users): State<Users>) -> Outcome<Json<UserFacts>> {
    Ok(Json(users.find_any(id).await?.facts()))
}
