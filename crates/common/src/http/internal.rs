//! The routes between services. They are not in the gateway's table, and they ask for the credential
//! of a service that may ask them.

use std::sync::Arc;

use axum::extract::{MatchedPath, Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use contracts::Service;
use contracts::event::Envelope;
use contracts::form::{Decode, Form, from_text};
use contracts::text::Text;

use super::credentials::INTERNAL_TOKEN;
use super::extract::Params;
use super::personal::{self, PersonalData};
use super::problem::{Outcome, Problem};
use crate::db::Database;
use crate::platform::Platform;
use crate::streams::Outbox;

/// Guards `routes` by the services' credentials and adds the producer's event log to them, and what the
/// service holds about people.
pub fn internal_routes(
    platform: &Platform,
    database: Database,
    outbox: Outbox,
    personal: Arc<dyn PersonalData>,
    routes: Router,
) -> Router {
    let asked = outbox.source();
    let log = Router::new()
        .route("/internal/v1/outbox/{source}", get(events))
        .with_state((database, outbox));
    let guarded = Guarded { platform: platform.clone(), asked };
    let routes = routes.merge(log).merge(personal::routes(personal));
    routes.route_layer(middleware::from_fn_with_state(guarded, guard))
}

#[derive(Clone)]
struct Guarded {
    platform: Platform,
    asked: Service,
}

/// 401 for an unknown caller, 403 for a service that has no business here.
async fn guard(
    State(Guarded { platform, asked }): State<Guarded>,
    route: MatchedPath,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let given = request.headers().get(INTERNAL_TOKEN).map(http::HeaderValue::as_bytes);
    match given.and_then(|given| platform.credentials.admits(given, asked, route.as_str())) {
        Some(true) => Ok(next.run(request).await),
        Some(false) => Err(Problem::not_allowed()),
        None => Err(Problem::unauthorized(Text::new("Autenticação necessária."))),
    }
}

struct Range {
    after: i64,
    limit: u64,
}

impl Decode for Range {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let after = form.or("after", 0, from_text::integer(0, i64::MAX));
        let limit = form.or("limit", 500, from_text::integer(1, 500));
        Some(Self { after: after?, limit: u64::try_from(limit?).ok()? })
    }
}

async fn events(
    State((database, outbox)): State<(Database, Outbox)>,
    Path(source): Path<String>,
    Params(range): Params<Range>,
) -> Outcome<Json<Vec<Envelope>>> {
    if source != outbox.source().name() {
        return Err(Problem::not_found("Rota não encontrada."));
    }
    Ok(Json(outbox.after(&database, range.after, range.limit).await?))
}
