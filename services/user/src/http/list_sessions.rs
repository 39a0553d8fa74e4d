//! `GET /auth/sessions`

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use common::auth::Principal;
use common::http::{Outcome, PageQuery};
use contracts::session::SessionView;

use crate::app::{Person, Users};
use crate::store::session::Session;

/// Lists where the caller is signed in, newest first.
///
/// For users and operators: 403 for API keys.
#[utoipa::path(
    get,
    path = "/auth/sessions",
    tag = "auth",
    params(
        ("limit" = Option<u32>, Query, description = "Rows wanted", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "From the `Link` header of the page before"),
        ("count" = Option<bool>, Query, description = "Whether `X-Total-Count` is wanted"),
    ),
    responses((status = 200, description = "The sessions that go on", body = [SessionView]))
)]
pub(super) async fn list_sessions(
    caller: Principal,
    page: PageQuery,
    State(users): State<Users>,
) -> Outcome<Response> {
    let person = Person::of(&caller)?;
    let (rows, total) = users.sessions(person, page.after()?, page.limit + 1, page.count).await?;
    let current = Some(person.session.id);
    let page = page.page(rows, total, Session::key).map(|session| session.view(current));
    Ok(([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], page).into_response())
}
