//! OpenAPI and its page. The specification comes from the handlers; what is true of every operation,
//! and what follows from what an operation takes, is added here once.

mod answers;
mod pages;
mod schemas;

use contracts::Service;
use contracts::problem::ErrorBody;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, License, OpenApi};
use utoipa::{PartialSchema, ToSchema};

pub use pages::documentation;

/// The name of the one way to prove who calls.
const BEARER: &str = "bearer";

/// Completes a specification: who must prove himself, the refusals that follow from what an operation
/// takes, headers, and the rules that hold for every body and parameter.
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
    // The one body of refusals is of no handler: it and what it is made of are added here.
    let mut refusal = vec![(ErrorBody::name().into_owned(), ErrorBody::schema())];
    ErrorBody::schemas(&mut refusal);
    for (name, schema) in refusal {
        components.schemas.entry(name).or_insert(schema);
    }
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme(BEARER, bearer);
    if service == Service::User {
        let cookie = ApiKey::Cookie(ApiKeyValue::new("marca_refresh"));
        components.add_security_scheme("refresh_cookie", SecurityScheme::ApiKey(cookie));
    }
    schemas::complete(&mut openapi);
    for item in openapi.paths.paths.values_mut() {
        for operation in operations(item) {
            answers::complete(operation);
        }
    }
    openapi
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}
