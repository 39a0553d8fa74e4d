//! The routes between services. They are not in the gateway's table, and they ask for the shared
//! secret of the platform.

use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use contracts::event::Envelope;
use contracts::form::{Decode, Form, from_text};
use contracts::text::Text;
use http::HeaderName;

use super::extract::Params;
use super::problem::{Outcome, Problem};
use crate::db::Database;
use crate::platform::Platform;
use crate::streams::Outbox;

/// The header of the shared secret.
pub(super) const INTERNAL_TOKEN: HeaderName = HeaderName::from_static("x-internal-token");

/// Guards `routes` by the shared secret and adds the producer's event log to them.
pub fn internal_routes(
    platform: &Platform,
    database: Database,
    outbox: Outbox,
    routes: Router,
) -> Router {
    let log = Router::new()
        .route("/internal/v1/outbox/{source}", get(events))
        .with_state((database, outbox));
    routes.merge(log).route_layer(middleware::from_fn_with_state(platform.clone(), guard))
}

async fn guard(
    State(platform): State<Platform>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let given = request.headers().get(INTERNAL_TOKEN).map(http::HeaderValue::as_bytes);
    let known = platform.internal_token.as_bytes();
    if given.is_some_and(|given| same(given, known)) {
        return Ok(next.run(request).await);
    }
    Err(Problem::unauthorized(Text::new("Autenticação necessária.")))
}

/// Compares in a time that does not tell where they differ.
fn same(given: &[u8], known: &[u8]) -> bool {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(given) == Sha256::digest(known)
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
