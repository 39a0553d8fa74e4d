//! `GET /bookings/series/{id}`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use common::auth::Caller;
use common::http::{Id, PageQuery, Problem};
use contracts::series::SeriesView;

use crate::app::Bookings;
use crate::http::list_bookings::sane;
use crate::store::SortKey;

/// Read a series: its rule, and a page of its bookings by start.
#[utoipa::path(
    get,
    path = "/bookings/series/{id}",
    operation_id = "get_series",
    tag = "bookings",
    params(
        ("id" = Uuid, Path, description = "The series"),
        ("limit" = Option<u64>, Query, description = "Bookings: 1–200, default 50"),
        ("cursor" = Option<String>, Query, description = "From the `Link` header of the page before"),
        ("count" = Option<bool>, Query, description = "true = answer `X-Total-Count`"),
    ),
    responses(
        (status = 200, description = "The series", body = SeriesView),
        (status = 404, description = "Série não encontrada"),
    )
)]
pub(super) async fn get_series(
    State(bookings): State<Bookings>,
    caller: Caller,
    Id(id): Id,
    page: PageQuery,
) -> Result<Response, Problem> {
    let after = page.after()?.map(sane).transpose()?;
    let (mut series, rows, total) =
        bookings.series(&caller, id, after, (page.limit, page.count)).await?;
    let page = page.page(rows, total, SortKey::of);
    let headers = page.headers();
    let now = bookings.clock.now();
    series.bookings = page.into_rows().into_iter().map(|booking| booking.view(now)).collect();
    Ok((headers, Json(series)).into_response())
}
