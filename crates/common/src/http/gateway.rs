//! The gateway's route table over routers of this process, as nginx has it over processes.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Request;
use contracts::Service;
use contracts::routes::service_for;
use tower::ServiceExt as _;

/// Sends each request to the service whose prefix it has; everything else to `root`.
pub fn gateway(services: BTreeMap<Service, Router>, root: Router) -> Router {
    Router::new().fallback_service(tower::service_fn(move |request: Request| {
        let found = service_for(request.uri().path()).and_then(|service| services.get(&service));
        found.unwrap_or(&root).clone().oneshot(request)
    }))
}
