//! `GET /bookings/`

use axum::extract::State;
use chrono::{Datelike as _, NaiveDate};
use common::auth::Caller;
use common::http::{Page, PageQuery, Params, Problem};
use contracts::BookingStatus;
use contracts::booking::{BookingView, DayOrTime};
use contracts::form::{Decode, Faults, Form, text, uuid};
use contracts::text::Text;
use scheduling::TimeInput;
use serde_json::Value;
use uuid::Uuid;

use crate::app::{Bookings, Edge, Listing};
use crate::store::{Booking, Filter, SortKey};

pub(super) struct Query {
    tenant_id: Option<Uuid>,
    resource_id: Option<Uuid>,
    user_id: Option<Uuid>,
    status: Option<String>,
    series_id: Option<Uuid>,
    group_id: Option<Uuid>,
    start_date: Option<Edge>,
    end_date: Option<Edge>,
}

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.optional("tenant_id", uuid);
        let resource_id = form.optional("resource_id", uuid);
        let user_id = form.optional("user_id", uuid);
        let status = form.optional("status", text(0, 40));
        let series_id = form.optional("series_id", uuid);
        let group_id = form.optional("group_id", uuid);
        let start_date = form.optional("start_date", edge);
        let end_date = form.optional("end_date", edge);
        Some(Self {
            tenant_id: tenant_id?,
            resource_id: resource_id?,
            user_id: user_id?,
            status: status?,
            series_id: series_id?,
            group_id: group_id?,
            start_date: start_date?,
            end_date: end_date?,
        })
    }
}

pub(super) fn edge(value: &Value, faults: &mut Faults) -> Option<Edge> {
    let text = value.as_str().unwrap_or_default();
    let day = (text.len() == 10).then(|| text.parse::<NaiveDate>().ok()).flatten();
    // A `+` of an offset that was not percent-encoded arrives as a space.
    day.map(Edge::Day)
        .or_else(|| TimeInput::parse(text).map(Edge::Time))
        .or_else(|| TimeInput::parse(&text.replacen(' ', "+", 1)).map(Edge::Time))
        .or_else(|| faults.add("format", "Deve ser YYYY-MM-DD ou data e hora RFC 3339."))
}

/// A cursor is ours, but anyone may write one: a year that Postgres cannot hold is none of ours.
pub(super) fn sane(key: SortKey) -> Result<SortKey, Problem> {
    let known = (1970..=9999).contains(&key.start.year());
    if known { Ok(key) } else { Err(Problem::field("cursor", "format", "Cursor inválido.")) }
}

/// List bookings.
///
/// Bookings that overlap `[start_date, end_date)`, either end optional, by start. A plain user sees
/// only his own.
#[utoipa::path(
    get,
    path = "/bookings/",
    operation_id = "list_bookings",
    tag = "bookings",
    params(
        ("tenant_id" = Option<Uuid>, Query, description = "The tenant; absent = the caller's"),
        ("resource_id" = Option<Uuid>, Query, description = "Only of this resource"),
        ("user_id" = Option<Uuid>, Query, description = "Only of this user"),
        ("status" = Option<BookingStatus>, Query, description = "Only in this state"),
        ("series_id" = Option<Uuid>, Query, description = "Only of this series"),
        ("group_id" = Option<Uuid>, Query, description = "Only of this group"),
        ("start_date" = inline(Option<DayOrTime>), Query, description = "Date or RFC 3339 time; ends after it"),
        ("end_date" = inline(Option<DayOrTime>), Query, description = "Date or RFC 3339 time; starts before it"),
        ("limit" = Option<u64>, Query, description = "1–200, default 50"),
        ("cursor" = Option<String>, Query, description = "From the `Link` header of the page before"),
        ("count" = Option<bool>, Query, description = "true = answer `X-Total-Count`"),
    ),
    responses(
        (status = 200, description = "A page of bookings by start", body = Vec<BookingView>),
        (status = 400, description = "Status inválido"),
    )
)]
pub(super) async fn list_bookings(
    State(bookings): State<Bookings>,
    caller: Caller,
    page: PageQuery,
    Params(query): Params<Query>,
) -> Result<Page<BookingView>, Problem> {
    let invalid = || Problem::rule("invalid_status", Text::new("Status inválido"));
    let status = match query.status.as_deref() {
        Some(word) => Some(BookingStatus::parse(word).ok_or_else(invalid)?),
        None => None,
    };
    let filter = Filter {
        resource_id: query.resource_id,
        user_id: query.user_id,
        status,
        series_id: query.series_id,
        group_id: query.group_id,
        ..Filter::default()
    };
    let listing = Listing {
        scope: caller.list_scope(query.tenant_id)?,
        filter,
        from: query.start_date,
        to: query.end_date,
        after: page.after()?.map(sane).transpose()?,
        limit: page.limit,
        count: page.count,
    };
    let (rows, total) = bookings.list(&caller, listing).await?;
    let now = bookings.clock.now();
    Ok(page.page(rows, total, SortKey::of).map(|booking: Booking| booking.view(now)))
}
