//! The routes of series.

mod get_series;
mod place_series;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use common::http::{Context, RefusedAt};
use contracts::form::{Decode, Form, choice};
use contracts::problem::RefusedOccurrence;
use contracts::series::{SeriesChanged, SeriesScope};
use contracts::text::Language;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::app::SeriesChange;
use crate::joint::RefusedOne;

/// What the gateway lets through.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(place_series::place_series))
        .routes(routes!(get_series::get_series))
}

/// `?scope=`.
pub(super) struct ScopeQuery(pub(super) SeriesScope);

impl Decode for ScopeQuery {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let scope = form.optional("scope", choice(SeriesScope::WORDS, SeriesScope::parse));
        Some(Self(scope?.unwrap_or_default()))
    }
}

/// Refusals in the caller's language.
fn told(refused: Vec<RefusedOne>, language: Language) -> Vec<RefusedOccurrence> {
    let told = |one: RefusedOne| RefusedAt::from(one).told(language);
    refused.into_iter().map(told).collect()
}

/// The answer to a change of several bookings.
pub(super) fn changed(change: SeriesChange, context: &Context, now: DateTime<Utc>) -> Response {
    let SeriesChange { id, bookings, refused } = change;
    let bookings = bookings.into_iter().map(|booking| booking.view(now)).collect();
    let refused = told(refused, context.language());
    (StatusCode::OK, Json(SeriesChanged { series_id: id, bookings, refused })).into_response()
}
