//! OpenAPI and its page. The specification comes from the handlers; what is true of every operation
//! is added here once. Swagger UI's files are linked into the binary: no other host is asked.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use contracts::Service;
use contracts::problem::{Conflict, ErrorBody, FieldFault};
use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, License, OpenApi, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};
use utoipa_swagger_ui::Config;

use super::problem::Problem;

/// Completes a specification with what is true of every operation: the error answers, each with an
/// example, and the bearer token.
pub fn document(mut openapi: OpenApi, service: Service) -> OpenApi {
    let mut license = License::new("MIT OR Apache-2.0");
    license.identifier = Some("MIT OR Apache-2.0".to_owned());
    openapi.info.title = format!("Marca · {}", service.docs());
    env!("CARGO_PKG_VERSION").clone_into(&mut openapi.info.version);
    openapi.info.license = Some(license);
    // Else they are those of the crate that collects the routes.
    openapi.info.contact = None;
    openapi.info.description = Some("Multi-tenant scheduling.".to_owned());
    let components = openapi.components.get_or_insert_with(Components::new);
    for (name, schema) in [
        (ErrorBody::name(), ErrorBody::schema()),
        (FieldFault::name(), FieldFault::schema()),
        (Conflict::name(), Conflict::schema()),
    ] {
        components.schemas.entry(name.into_owned()).or_insert(schema);
    }
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme("bearer", bearer);
    for item in openapi.paths.paths.values_mut() {
        for operation in operations(item) {
            complete(operation);
        }
    }
    openapi
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}

fn complete(operation: &mut Operation) {
    if operation.security.is_none() {
        let none: [&str; 0] = [];
        operation.security =
            Some(vec![SecurityRequirement::default(), SecurityRequirement::new("bearer", none)]);
    }
    let mut answers = vec![
        ("400", "A rule is broken", "bad_request", "Horário fora do expediente configurado."),
        ("401", "No, bad or expired token", "unauthorized", "Autenticação necessária."),
        ("403", "Not allowed", "forbidden", "Você não tem permissão para esta operação."),
        ("404", "No such object in the caller's tenant", "not_found", "Recurso não encontrado"),
        ("409", "Conflict", "conflict", "Recurso já possui reserva neste intervalo"),
        ("422", "Not of the documented shape", "validation", "Dados inválidos na requisição."),
        (
            "429",
            "Too many requests",
            "rate_limited",
            "Muitas requisições. Tente novamente em instantes.",
        ),
        (
            "503",
            "Something needed is unreachable; nothing was written",
            "unavailable",
            "Serviço temporariamente indisponível. Tente novamente.",
        ),
    ];
    if operation.request_body.is_some() {
        answers.push((
            "413",
            "Body too large",
            "payload_too_large",
            "Corpo da requisição grande demais.",
        ));
        answers.push((
            "415",
            "Not JSON",
            "unsupported_media_type",
            "Tipo de conteúdo não suportado. Use application/json.",
        ));
    }
    for (status, description, code, message) in answers {
        let responses = &mut operation.responses.responses;
        let own = responses.get(status).and_then(|answer| match answer {
            RefOr::T(answer) => Some(answer.description.clone()),
            RefOr::Ref(_) => None,
        });
        // A handler may say in its own words when a status is given; the shape is always this one.
        let (description, message) = match own {
            Some(said) => (said.clone(), said),
            None => (description.to_owned(), message.to_owned()),
        };
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(ErrorBody::name())))
            .example(Some(example(status, code, &message)))
            .build();
        let answer = ResponseBuilder::new()
            .description(description)
            .content("application/json", content)
            .build();
        responses.insert(status.to_owned(), RefOr::T(answer));
    }
}

fn example(status: &str, code: &str, message: &str) -> Value {
    let mut body = json!({
        "success": false, "error": code, "message": message,
        "trace_id": "019b0a6c5f7e7c3a9d2e4b8f60a1c2d3",
    });
    if status == "422" {
        body["fields"] = json!([{
            "path": "name", "code": "missing", "message": "Campo obrigatório."
        }]);
    }
    body
}

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
