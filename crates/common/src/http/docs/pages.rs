//! The page of the specification. Swagger UI's files are linked into the binary: no other host is asked.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use contracts::Service;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

use crate::http::problem::Problem;

/// `/api-docs/{docs}`: the page, its files and the specification.
pub fn documentation(service: Service, openapi: &OpenApi) -> Router {
    let base = format!("/api-docs/{}", service.docs());
    let page = PAGE.replace("{{base}}", &base).replace("{{title}}", &openapi.info.title);
    let json: Arc<str> = openapi.to_json().unwrap_or_default().into();
    let config = Arc::new(Config::from(format!("{base}/openapi.json")));
    let script = SCRIPT.replace("{{base}}", &base);
    let html = move || {
        let page = page.clone();
        async move { ([(CONTENT_SECURITY_POLICY, CSP)], Html(page)) }
    };
    Router::new()
        .route(&base, get(html))
        .route(
            &format!("{base}/openapi.json"),
            get(move || async move { ([(CONTENT_TYPE, "application/json")], json.to_string()) }),
        )
        .route(
            &format!("{base}/start.js"),
            get(move || async move { ([(CONTENT_TYPE, "text/javascript")], script) }),
        )
        .route(
            &format!("{base}/assets/{{file}}"),
            get(move |Path(file): Path<String>| async move { asset(&file, config) }),
        )
}

fn asset(file: &str, config: Arc<Config<'static>>) -> Response {
    let known = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"].contains(&file);
    match known.then(|| utoipa_swagger_ui::serve(file, config)) {
        Some(Ok(Some(found))) => {
            let cache = (CACHE_CONTROL, "public, max-age=86400".to_owned());
            ([(CONTENT_TYPE, found.content_type), cache], found.bytes).into_response()
        }
        Some(Ok(None)) | None => Problem::not_found("Rota não encontrada.").into_response(),
        Some(Err(error)) => Problem::internal(error).into_response(),
    }
}

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                   img-src 'self' data:; connect-src 'self'; font-src 'self' data:";

const PAGE: &str = r#"<!doctype html>
<html lang="pt-BR">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{title}}</title>
<link rel="icon" type="image/png" href="{{base}}/assets/favicon-32x32.png">
<link rel="stylesheet" href="{{base}}/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{{base}}/assets/swagger-ui-bundle.js"></script>
<script src="{{base}}/start.js"></script>
</body>
</html>
"#;

const SCRIPT: &str = r##"SwaggerUIBundle({
  url: "{{base}}/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null
});
"##;
