//! The body of an edit for the documentation: that of creation, with every field optional and no default.

use std::borrow::Cow;

use contracts::user::CreateUser;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

/// Any of a user's fields.
pub(super) struct EditUser;

impl PartialSchema for EditUser {
    fn schema() -> RefOr<Schema> {
        let mut whole = CreateUser::schema();
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
        }
        whole
    }
}

impl ToSchema for EditUser {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("EditUser")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        CreateUser::schemas(schemas);
    }
}
