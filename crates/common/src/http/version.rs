//! `ETag` on answers about one object, `If-Match` on changes of it.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use contracts::text::Text;
use http::header::{ETAG, IF_MATCH};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::problem::Problem;
use crate::version::{Changed, Precondition, Versioned};

/// The name of the parameter, as operations document it.
pub(super) const NAME: &str = "If-Match";

impl<S: Send + Sync> FromRequestParts<S> for Precondition {
    type Rejection = Problem;

    /// Several headers are one list.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let lines: Vec<&str> = parts
            .headers
            .get_all(IF_MATCH)
            .iter()
            .map(|line| line.to_str().unwrap_or_default())
            .collect();
        Ok(if lines.is_empty() { Self::default() } else { Self::parse(&lines.join(",")) })
    }
}

/// For `params(…)` of the operations that take it.
impl IntoParams for Precondition {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = "The `ETag` of the version to change, or several; `*` or no header: any. 412 if it \
                    is another one by now";
        let schema = ObjectBuilder::new().schema_type(Type::String).build();
        let parameter = ParameterBuilder::new()
            .name(NAME)
            .parameter_in(ParameterIn::Header)
            .description(Some(text))
            .schema(Some(schema));
        vec![parameter.build()]
    }
}

/// 200, the view, and its version as `ETag`.
impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let tag = HeaderValue::from_str(&self.version.to_string());
        let mut response = (StatusCode::OK, Json(self.view)).into_response();
        if let Ok(tag) = tag {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

impl From<Changed> for Problem {
    fn from(_: Changed) -> Self {
        let text = Text::new("O objeto foi alterado por outra requisição.");
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", text)
    }
}
