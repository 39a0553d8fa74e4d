//! `GET /bookings/waitlist`

use axum::extract::State;
use chrono::Datelike as _;
use common::auth::Caller;
use common::http::{Page, PageQuery, Params, Problem};
use contracts::form::{Decode, Form, uuid};
use contracts::waitlist::WaitlistView;
use uuid::Uuid;

use crate::app::{Bookings, WaitingList};
use crate::store::{Turn, Waiting};

pub(super) struct Query {
    tenant: Option<Uuid>,
    resource: Option<Uuid>,
    user: Option<Uuid>,
}

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant = form.optional("tenant_id", uuid);
        let resource = form.optional("resource_id", uuid);
        let user = form.optional("user_id", uuid);
        Some(Self { tenant: tenant?, resource: resource?, user: user? })
    }
}

/// A cursor is ours, but anyone may write one: a year that Postgres cannot hold is none of ours.
fn sane(turn: Turn) -> Result<Turn, Problem> {
    let known = (1970..=9999).contains(&turn.since.year());
    if known { Ok(turn) } else { Err(Problem::field("cursor", "format", "Cursor inválido.")) }
}

/// List who waits, in the order in which they are served.
///
/// `position` counts those who wait for something of the same time. A plain user sees only his own.
#[utoipa::path(
    get,
    path = "/bookings/waitlist",
    operation_id = "list_waitlist",
    tag = "waitlist",
    params(
        ("tenant_id" = Option<Uuid>, Query, description = "The tenant; absent = the caller's"),
        ("resource_id" = Option<Uuid>, Query, description = "Only for this resource"),
        ("user_id" = Option<Uuid>, Query, description = "Only of this user"),
        ("limit" = Option<u64>, Query, description = "1–200, default 50"),
        ("cursor" = Option<String>, Query, description = "From the `Link` header of the page before"),
        ("count" = Option<bool>, Query, description = "true = answer `X-Total-Count`"),
    ),
    responses((status = 200, description = "A page of entries", body = Vec<WaitlistView>))
)]
pub(super) async fn list_waitlist(
    State(bookings): State<Bookings>,
    caller: Caller,
    page: PageQuery,
    Params(query): Params<Query>,
) -> Result<Page<WaitlistView>, Problem> {
    let scope = caller.list_scope(query.tenant)?;
    let list = WaitingList {
        scope,
        filter: Waiting { resource_id: query.resource, user_id: query.user },
        after: page.after()?.map(sane).transpose()?,
        limit: page.limit,
        count: page.count,
    };
    let (rows, total) = bookings.waitlist(&caller, list).await?;
    let views = bookings.all_shown(scope, rows, caller.user_id()).await?;
    Ok(page.page(views, total, |entry| Turn { since: entry.created_at, id: entry.id }))
}
