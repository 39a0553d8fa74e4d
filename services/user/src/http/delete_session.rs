//! `DELETE /auth/sessions/{id}`

use axum::extract::State;
use axum::http::StatusCode;
use common::auth::Principal;
use common::http::{Context, Id, Outcome};

use crate::app::{Person, Users};

/// Ends one of the caller's sessions.
///
/// For users and operators in person: 403 for API keys and for whoever acts as another. A session
/// that is over already is not found.
#[utoipa::path(
    delete,
    path = "/auth/sessions/{id}",
    tag = "auth",
    params(("id" = Uuid, Path, description = "The session")),
    responses(
        (status = 204, description = "It is over"),
        (status = 404, description = "Sessão não encontrada"),
    )
)]
pub(super) async fn delete_session(
    caller: Principal,
    Id(id): Id,
    context: Context,
    State(users): State<Users>,
) -> Outcome<StatusCode> {
    let person = Person::in_person(&caller)?;
    users.end_session(person, id, context.request_id()).await?;
    Ok(StatusCode::NO_CONTENT)
}
