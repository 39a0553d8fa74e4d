//! The bodies of edits for the documentation: those of creation, with every field optional.

use std::borrow::Cow;

use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::password::PasswordPolicy;
use crate::tenant::{CreateTenant, CustomLabels, Settings};

/// Any of a tenant's fields.
#[derive(Debug)]
pub struct EditTenant;

/// Any of the settings.
#[derive(Debug)]
pub struct EditSettings;

struct EditLabels;

struct EditPasswordPolicy;

/// `whole` without required fields and defaults, and with the bodies of edits at `nested`.
fn optional(mut whole: RefOr<Schema>, nested: &[(&str, &str)]) -> RefOr<Schema> {
    if let RefOr::T(Schema::Object(object)) = &mut whole {
        object.description = Some("What is absent stays as it is.".to_owned());
        object.required.clear();
        for property in object.properties.values_mut() {
            match property {
                RefOr::T(Schema::Object(field)) => field.default = None,
                RefOr::Ref(field) => field.default = None,
                RefOr::T(_) => {}
            }
        }
        for (field, schema) in nested {
            let schema = RefOr::Ref(Ref::from_schema_name(*schema));
            object.properties.insert((*field).to_owned(), schema);
        }
    }
    whole
}

impl PartialSchema for EditTenant {
    fn schema() -> RefOr<Schema> {
        optional(CreateTenant::schema(), &[("settings", "EditSettings")])
    }
}

impl ToSchema for EditTenant {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("EditTenant")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((EditSettings::name().into_owned(), EditSettings::schema()));
        EditSettings::schemas(schemas);
        CreateTenant::schemas(schemas);
    }
}

impl PartialSchema for EditSettings {
    fn schema() -> RefOr<Schema> {
        let nested = [("custom_labels", "EditLabels"), ("password_policy", "EditPasswordPolicy")];
        optional(Settings::schema(), &nested)
    }
}

impl ToSchema for EditSettings {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("EditSettings")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((EditLabels::name().into_owned(), EditLabels::schema()));
        let passwords = EditPasswordPolicy::name().into_owned();
        schemas.push((passwords, EditPasswordPolicy::schema()));
        Settings::schemas(schemas);
    }
}

impl PartialSchema for EditLabels {
    fn schema() -> RefOr<Schema> {
        optional(CustomLabels::schema(), &[])
    }
}

impl ToSchema for EditLabels {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("EditLabels")
    }
}

impl PartialSchema for EditPasswordPolicy {
    fn schema() -> RefOr<Schema> {
        optional(PasswordPolicy::schema(), &[])
    }
}

impl ToSchema for EditPasswordPolicy {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("EditPasswordPolicy")
    }
}
