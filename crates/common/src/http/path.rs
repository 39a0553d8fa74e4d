//! Trailing slashes: collections are canonical with one (`/bookings/`), items without. The other form
//! works directly, without a redirect, which would lose the method or the body.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use http::Uri;
use http::uri::PathAndQuery;
use tower::util::MapRequestLayer;
use tower::{Layer as _, ServiceExt as _};

/// The paths that are canonical with a trailing slash.
#[derive(Clone)]
pub(super) struct Collections(Arc<HashSet<String>>);

impl Collections {
    pub(super) fn new(paths: &[String]) -> Self {
        let ends = |path: &&String| path.len() > 1 && path.ends_with('/') && !path.contains('{');
        Self(Arc::new(paths.iter().filter(ends).cloned().collect()))
    }

    /// Wraps `router` so that requests reach it in canonical form.
    pub(super) fn normalise(self, router: Router) -> Router {
        let layer = MapRequestLayer::new(move |request: Request| self.canonical(request));
        let service = layer.layer(router.into_service::<axum::body::Body>());
        Router::new().fallback_service(service.map_response(|response| response))
    }

    fn canonical(&self, mut request: Request) -> Request {
        if let Some(path) = self.rewrite(request.uri().path()) {
            let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = format!("{path}{query}").parse::<PathAndQuery>().ok();
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
        request
    }

    fn rewrite(&self, path: &str) -> Option<String> {
        match path.strip_suffix('/') {
            None => {
                let with = format!("{path}/");
                self.0.contains(&with).then_some(with)
            }
            Some(without) if without.is_empty() || self.0.contains(path) => None,
            Some(without) => Some(without.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_lead_to_the_canonical_one() {
        let collections = Collections::new(&["/bookings/".to_owned(), "/bookings/{id}".to_owned()]);
        assert_eq!(collections.rewrite("/bookings"), Some("/bookings/".to_owned()));
        assert_eq!(collections.rewrite("/bookings/"), None);
        assert_eq!(collections.rewrite("/bookings/7/"), Some("/bookings/7".to_owned()));
        assert_eq!(collections.rewrite("/bookings/7"), None);
        assert_eq!(collections.rewrite("/"), None);
    }
}
