//! The answers of an operation: which refusals it can give follows from what it takes; each has the one
//! error shape, an example and its headers.

use contracts::problem::ErrorBody;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{HeaderBuilder, Ref, RefOr};

use super::BEARER;
use crate::http::{idempotency, version};

/// What a twin gets that has waited too long for the first.
const TWIN: &str = "409";

/// A status of a refusal, and what to say of it where the handler says nothing.
struct Refusal {
    status: &'static str,
    description: &'static str,
    code: &'static str,
    message: &'static str,
}

const fn refusal(
    status: &'static str,
    description: &'static str,
    code: &'static str,
    message: &'static str,
) -> Refusal {
    Refusal { status, description, code, message }
}

const REFUSALS: [Refusal; 13] = [
    refusal("400", "A rule is broken", "bad_request", "Horário fora do expediente configurado."),
    refusal("401", "No, bad or expired token", "unauthorized", "Autenticação necessária."),
    refusal("403", "Not allowed", "forbidden", "Você não tem permissão para esta operação."),
    refusal("404", "No such object in the caller's tenant", "not_found", "Recurso não encontrado"),
    refusal(
        "408",
        "The body did not arrive in time",
        "request_timeout",
        "O corpo da requisição não chegou a tempo.",
    ),
    refusal("409", "Conflict", "conflict", "Recurso já possui reserva neste intervalo"),
    refusal("410", "It was there and is over", "gone", "A retenção expirou."),
    refusal(
        "412",
        "`If-Match` names another version",
        "precondition_failed",
        "O objeto foi alterado por outra requisição.",
    ),
    refusal("413", "Body too large", "payload_too_large", "Corpo da requisição grande demais."),
    refusal(
        "415",
        "Not JSON",
        "unsupported_media_type",
        "Tipo de conteúdo não suportado. Use application/json.",
    ),
    refusal("422", "Not of the documented shape", "validation", "Dados inválidos na requisição."),
    refusal(
        "429",
        "Too many requests",
        "rate_limited",
        "Muitas requisições. Tente novamente em instantes.",
    ),
    refusal(
        "503",
        "Something needed is unreachable; nothing was written",
        "unavailable",
        "Serviço temporariamente indisponível. Tente novamente.",
    ),
];

/// Whether an operation reads a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Required,
    Optional,
    Unread,
}

/// Completes the security, the refusals and the headers of an operation.
pub(super) fn complete(operation: &mut Operation) {
    let token = token(operation);
    for status in capable(operation, token) {
        let answers = &mut operation.responses.responses;
        let words = if status == TWIN { idempotency::IN_PROGRESS } else { "" };
        answers.entry(status.to_owned()).or_insert_with(|| RefOr::T(Response::new(words)));
    }
    let paged = takes(operation, &ParameterIn::Query, "cursor");
    let keyed = takes(operation, &ParameterIn::Header, idempotency::NAME);
    for (status, answer) in &mut operation.responses.responses {
        let RefOr::T(answer) = answer else { continue };
        if status.as_str() >= "400" {
            refuse(status, answer);
            match status.as_str() {
                TWIN if keyed => {
                    header(answer, "Retry-After", "With `idempotency_in_progress`", Type::Integer);
                }
                "422" if keyed => answer.description.push_str(
                    "; `idempotency_key_reused` if the key was used with another request",
                ),
                _ => {}
            }
        } else if paged {
            header(answer, "Link", "`<…>; rel=\"next\"`, if there is more", Type::String);
            header(answer, "X-Total-Count", "All rows, with `count=true`", Type::Integer);
        } else if keyed {
            let text = "`true` where it is the answer to an earlier request with this key";
            header(answer, "Idempotent-Replayed", text, Type::String);
        }
        header(answer, "X-Request-Id", "Names the request; `trace_id` of errors", Type::String);
    }
}

/// Reads what the handler says of tokens; one that says nothing needs one.
fn token(operation: &mut Operation) -> Token {
    let none: [&str; 0] = [];
    let needed = SecurityRequirement::new(BEARER, none);
    let ways = operation.security.get_or_insert_with(|| vec![needed.clone()]);
    let open = ways.contains(&SecurityRequirement::default());
    match (open, ways.contains(&needed)) {
        (false, _) => Token::Required,
        (true, true) => Token::Optional,
        (true, false) => Token::Unread,
    }
}

/// The refusals that follow from what the operation takes. 400 and any other 409 are the handler's to
/// say.
fn capable(operation: &Operation, token: Token) -> Vec<&'static str> {
    let within = |place: &ParameterIn| inputs(operation).any(|it| it.parameter_in == *place);
    let (path, query) = (within(&ParameterIn::Path), within(&ParameterIn::Query));
    let body = operation.request_body.is_some();
    let mut statuses = vec!["429", "503"];
    if token != Token::Unread {
        statuses.push("401");
    }
    if token == Token::Required {
        statuses.push("403");
    }
    if path {
        statuses.push("404");
    }
    if body {
        statuses.extend(["408", "413", "415"]);
    }
    let keyed = takes(operation, &ParameterIn::Header, idempotency::NAME);
    if path || query || body || keyed {
        statuses.push("422");
    }
    if keyed {
        statuses.push(TWIN);
    }
    if takes(operation, &ParameterIn::Header, version::NAME) {
        statuses.push("412");
    }
    statuses
}

fn takes(operation: &Operation, place: &ParameterIn, name: &str) -> bool {
    inputs(operation).any(|it| it.parameter_in == *place && it.name == name)
}

fn inputs(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

/// Gives an answer the one shape of errors; a handler may say in its own words when it is given.
fn refuse(status: &str, answer: &mut Response) {
    let known = REFUSALS.iter().find(|refusal| refusal.status == status);
    let own = !answer.description.is_empty();
    let twin = answer.description == idempotency::IN_PROGRESS;
    let code = if twin { "idempotency_in_progress" } else { known.map_or("refused", |it| it.code) };
    let message = match known {
        Some(refusal) if !own => refusal.message.to_owned(),
        Some(_) | None => answer.description.clone(),
    };
    let description = match known {
        Some(refusal) if !own => refusal.description.to_owned(),
        Some(_) | None => answer.description.clone(),
    };
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(ErrorBody::name())))
        .example(Some(example(status, code, &message)))
        .build();
    let headers = std::mem::take(&mut answer.headers);
    *answer = ResponseBuilder::new()
        .description(description)
        .content("application/json", content)
        .build();
    answer.headers = headers;
    header(answer, "Content-Language", "The language of `message`: pt-BR, en or es", Type::String);
    match status {
        "401" => header(answer, "WWW-Authenticate", "`Bearer`", Type::String),
        "429" | "503" => {
            header(answer, "Retry-After", "Seconds until it may be tried again", Type::Integer);
        }
        _ => {}
    }
}

/// Adds a header that the handler has not described itself.
fn header(answer: &mut Response, name: &str, description: &str, kind: Type) {
    if answer.headers.keys().any(|own| own.eq_ignore_ascii_case(name)) {
        return;
    }
    let whole = (kind == Type::Integer).then_some(0);
    let schema = ObjectBuilder::new().schema_type(kind).minimum(whole).build();
    let header = HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build();
    answer.headers.insert(name.to_owned(), RefOr::T(header));
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
