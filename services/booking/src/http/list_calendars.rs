//! `GET /calendars/`

use axum::extract::State;
use chrono::Datelike as _;
use common::auth::Caller;
use common::http::{Page, PageQuery, Params, Problem};
use contracts::calendar::CalendarView;
use contracts::form::{Decode, Form, uuid};
use uuid::Uuid;

use crate::app::{Bookings, Feeds};
use crate::store::{Age, Feed};

pub(super) struct Query {
    tenant: Option<Uuid>,
}

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        Some(Self { tenant: form.optional("tenant_id", uuid)? })
    }
}

/// A cursor is ours, but anyone may write one: a year that Postgres cannot hold is none of ours.
fn sane(age: Age) -> Result<Age, Problem> {
    let known = (1970..=9999).contains(&age.since.year());
    if known { Ok(age) } else { Err(Problem::field("cursor", "format", "Cursor inválido.")) }
}

/// List calendars, the oldest first, without their addresses.
///
/// Admins see all; everybody else sees what they made and what shows their bookings.
#[utoipa::path(
    get,
    path = "/calendars/",
    operation_id = "list_calendars",
    tag = "calendars",
    params(
        ("tenant_id" = Option<Uuid>, Query, description = "The tenant; absent = the caller's"),
        ("limit" = Option<u64>, Query, description = "1–200, default 50"),
        ("cursor" = Option<String>, Query, description = "From the `Link` header of the page before"),
        ("count" = Option<bool>, Query, description = "true = answer `X-Total-Count`"),
    ),
    responses((status = 200, description = "A page of calendars", body = Vec<CalendarView>))
)]
pub(super) async fn list_calendars(
    State(bookings): State<Bookings>,
    caller: Caller,
    page: PageQuery,
    Params(query): Params<Query>,
) -> Result<Page<CalendarView>, Problem> {
    let list = Feeds {
        scope: caller.list_scope(query.tenant)?,
        after: page.after()?.map(sane).transpose()?,
        limit: page.limit,
        count: page.count,
    };
    let (rows, total) = bookings.calendars(&caller, list).await?;
    let key = |feed: &Feed| Age { since: feed.created_at, id: feed.id };
    Ok(page.page(rows, total, key).map(Feed::view))
}
