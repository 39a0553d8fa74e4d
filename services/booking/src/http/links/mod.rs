//! Links to bookings, one operation a file. Those of `/bookings/links/{token}` need no other proof than
//! the token.

mod cancel_linked_booking;
mod create_link;
mod list_linked_slots;
mod list_links;
mod move_linked_booking;
mod revoke_link;
mod show_linked_booking;

use std::collections::BTreeMap;

use axum::extract::{FromRef, FromRequestParts, Path};
use axum::http::request::Parts;
use common::auth::Principal;
use common::http::{Context, Limits, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::AppState;
use crate::app::{Bookings, Opened};
use crate::error::Error;

/// The routes of links.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_link::create_link, list_links::list_links))
        .routes(routes!(revoke_link::revoke_link))
        .routes(routes!(list_linked_slots::list_linked_slots))
        .routes(routes!(
            show_linked_booking::show_linked_booking,
            move_linked_booking::move_linked_booking,
            cancel_linked_booking::cancel_linked_booking
        ))
}

/// The `{link_id}` of the path.
#[derive(Debug, Clone, Copy)]
struct LinkId(Uuid);

impl<S: Send + Sync> FromRequestParts<S> for LinkId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let bad = || Problem::field("link_id", "format", "Deve ser um UUID.");
        let text = part(parts, state, "link_id").await.ok_or_else(bad)?;
        match Uuid::try_parse(&text) {
            Ok(id) if text.len() == 36 => Ok(Self(id)),
            Ok(_) | Err(_) => Err(bad()),
        }
    }
}

/// The link of the path, proved. Whoever has it is counted as one of his own, beside his address.
struct Linked(Opened);

impl<S> FromRequestParts<S> for Linked
where
    S: Send + Sync,
    Bookings: FromRef<S>,
    Limits: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // What is no text is no token either.
        let token = part(parts, state, "token").await.unwrap_or_default();
        let context = Context::from_request_parts(parts, state).await?;
        let opened = Bookings::from_ref(state).open_link(&token).await?;
        context.note_tenant(opened.tenant());
        let principal = Principal::from(opened.caller.clone());
        Limits::from_ref(state).admit_caller(&context, &principal)?;
        Ok(Self(opened))
    }
}

async fn part<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Option<String> {
    let path = Path::<BTreeMap<String, String>>::from_request_parts(parts, state).await;
    path.ok().and_then(|Path(mut path)| path.remove(name))
}

/// A refusal of what was wanted by a link. The bookings in the way are others' business: a page of the
/// tenant's own users sees them, whoever was sent an address does not.
fn refused(error: Error) -> Problem {
    Problem::from(error).conflicting(Vec::new())
}
