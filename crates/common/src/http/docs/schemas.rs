//! The rules that hold for every body and parameter, so that nobody has to repeat them: bodies refuse
//! fields they do not know, text has no control characters, parameters are never null.

use std::collections::{BTreeMap, BTreeSet};

use contracts::page::{DEFAULT_LIMIT, MAX_LIMIT};
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayItems, Object, ObjectBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{Components, OpenApi, Ref, RefOr, Required};

use super::operations;

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// `contracts::form::text`: no control character but tab and line ends.
const TEXT: &str = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$";
/// The same, and not blank.
const FILLED: &str = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$";

/// Completes what requests carry, and joins what `serde(flatten)` has split.
pub(super) fn complete(openapi: &mut OpenApi) {
    let components = openapi.components.get_or_insert_with(Components::new);
    join(components);
    let known = components.schemas.clone();
    let mut asked = BTreeSet::new();
    for item in openapi.paths.paths.values_mut() {
        for operation in operations(item) {
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter {
                    self::parameter(parameter);
                }
            }
            body(operation, &known, &mut asked);
        }
    }
    let components = openapi.components.get_or_insert_with(Components::new);
    let mut done = BTreeSet::new();
    while let Some(name) = asked.pop_first() {
        if let Some(schema) = components.schemas.get_mut(&name)
            && done.insert(name)
        {
            request(schema, &mut asked);
        }
    }
}

/// A body is given or not: `null` is neither. A field of a form cannot be null, only left out.
fn body(operation: &mut Operation, known: &Schemas, asked: &mut BTreeSet<String>) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for (media, content) in &mut body.content {
        let RefOr::T(content) = content else { continue };
        if let Some(schema) = &mut content.schema {
            present(schema);
            if media == "application/x-www-form-urlencoded" {
                form(schema, known);
            }
            request(schema, asked);
        }
    }
}

fn form(schema: &mut RefOr<Schema>, known: &Schemas) {
    if let RefOr::Ref(reference) = schema
        && let Some(found) = name(reference).and_then(|name| known.get(&name))
    {
        *schema = found.clone();
    }
    if let RefOr::T(Schema::Object(object)) = schema {
        object.properties.values_mut().for_each(present);
    }
}

fn parameter(parameter: &mut Parameter) {
    if parameter.parameter_in == ParameterIn::Query {
        paging(parameter);
    }
    if let Some(schema) = &mut parameter.schema {
        present(schema);
        if parameter.parameter_in == ParameterIn::Query {
            request(schema, &mut BTreeSet::new());
        }
    }
}

/// `common::http::PageQuery` is the same wherever it stands.
fn paging(parameter: &mut Parameter) {
    let schema = match parameter.name.as_str() {
        "limit" => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(MAX_LIMIT))
            .default(Some(DEFAULT_LIMIT.into())),
        "cursor" => ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(2_048))
            .pattern(Some("^[A-Za-z0-9_-]+$")),
        "count" => ObjectBuilder::new().schema_type(Type::Boolean).default(Some(false.into())),
        _ => return,
    };
    parameter.required = Required::False;
    parameter.schema = Some(schema.build().into());
}

/// Takes `null` away from the top of a schema.
fn present(schema: &mut RefOr<Schema>) {
    let only = match schema {
        RefOr::T(Schema::OneOf(one)) => {
            one.items.retain(|item| !is_null(item));
            if one.items.len() == 1 { one.items.pop() } else { None }
        }
        RefOr::T(Schema::Object(object)) => {
            not_null(&mut object.schema_type);
            None
        }
        RefOr::T(Schema::Array(array)) => {
            not_null(&mut array.schema_type);
            None
        }
        RefOr::T(Schema::AllOf(_) | Schema::AnyOf(_) | _) | RefOr::Ref(_) => None,
    };
    if let Some(only) = only {
        *schema = only;
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

fn not_null(kind: &mut SchemaType) {
    if let SchemaType::Array(types) = kind {
        types.retain(|it| *it != Type::Null);
        if let [only] = types.as_slice() {
            *kind = SchemaType::Type(only.clone());
        }
    }
}

/// Says of a part of a request what holds for all of them; the names it refers to go into `asked`.
fn request(schema: &mut RefOr<Schema>, asked: &mut BTreeSet<String>) {
    match schema {
        RefOr::Ref(reference) => asked.extend(name(reference)),
        RefOr::T(Schema::Object(object)) => {
            words(object);
            if !object.properties.is_empty() && object.additional_properties.is_none() {
                object.additional_properties =
                    Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
            for property in object.properties.values_mut() {
                request(property, asked);
            }
        }
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(item) = &mut array.items {
                request(item, asked);
            }
        }
        RefOr::T(Schema::OneOf(one)) => one.items.iter_mut().for_each(|item| request(item, asked)),
        RefOr::T(Schema::AnyOf(any)) => any.items.iter_mut().for_each(|item| request(item, asked)),
        // What is left of these is not one closed object.
        RefOr::T(Schema::AllOf(_) | _) => {}
    }
}

fn name(reference: &Ref) -> Option<String> {
    reference.ref_location.strip_prefix("#/components/schemas/").map(str::to_owned)
}

/// Text that has no rule of its own follows that of `contracts::form::text`.
fn words(object: &mut Object) {
    let text = match &object.schema_type {
        SchemaType::Type(kind) => *kind == Type::String,
        SchemaType::Array(kinds) => kinds.contains(&Type::String),
        SchemaType::AnyValue => false,
    };
    let password = object.format.as_ref().is_some_and(|format| {
        serde_json::to_value(format).is_ok_and(|format| format == "password")
    });
    let ruled = object.pattern.is_some()
        || object.enum_values.is_some()
        || (object.format.is_some() && !password);
    if text && !ruled {
        let filled = object.min_length.is_some_and(|least| least > 0);
        object.pattern = Some(if filled { FILLED } else { TEXT }.to_owned());
    }
}

/// `serde(flatten)` becomes `allOf`, whose parts cannot be closed one by one: they are made one object.
/// A part without fields is the free-form rest.
fn join(components: &mut Components) {
    let known = components.schemas.clone();
    for schema in components.schemas.values_mut() {
        let RefOr::T(Schema::AllOf(all)) = schema else { continue };
        let parts = all.items.iter().map(|item| match item {
            RefOr::Ref(reference) => name(reference).and_then(|name| known.get(&name)),
            RefOr::T(_) => Some(item),
        });
        let parts: Option<Vec<Object>> = parts
            .map(|part| match part {
                Some(RefOr::T(Schema::Object(object))) => Some(object.clone()),
                Some(RefOr::T(_) | RefOr::Ref(_)) | None => None,
            })
            .collect();
        let Some(parts) = parts else { continue };
        let mut whole = Object::with_type(Type::Object);
        whole.description.clone_from(&all.description);
        for part in parts {
            if part.properties.is_empty() {
                whole.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(true)));
            }
            whole.required.extend(part.required);
            whole.properties.extend(part.properties);
        }
        *schema = RefOr::T(Schema::Object(whole));
    }
}
