//! `POST /auth/register`

use std::borrow::Cow;

use axum::extract::State;
use common::auth::Author;
use common::db::Answer;
use common::http::{Body, IdempotencyKey, Outcome};
use contracts::session::Register;
use contracts::user::{CreateUser, UserView};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::app::Users;

/// The body of a registration for the documentation: that of creation, with other fields required.
pub(super) struct RegisterUser;

impl PartialSchema for RegisterUser {
    fn schema() -> RefOr<Schema> {
        let mut whole = CreateUser::schema();
        if let RefOr::T(Schema::Object(object)) = &mut whole {
            object.description =
                Some("A user; `tenant_id` or `domain` names the tenant.".to_owned());
            object.required = ["name", "email", "password"].map(str::to_owned).to_vec();
            if let Some(RefOr::T(Schema::Object(password))) = object.properties.get_mut("password")
            {
                password.schema_type = Type::String.into();
            }
            let domain = ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(253))
                .description(Some("The tenant's domain, instead of `tenant_id`."));
            object.properties.insert("domain".to_owned(), domain.into());
        }
        whole
    }
}

impl ToSchema for RegisterUser {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("RegisterUser")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        CreateUser::schemas(schemas);
    }
}

/// Makes an account for oneself.
///
/// Public, whoever asks: the first admin of a tenant that has no user yet, and otherwise a `user` with
/// at most `can_book`. A token in the request changes nothing.
#[utoipa::path(
    post,
    path = "/auth/register",
    tag = "auth",
    security(()),
    params(IdempotencyKey),
    request_body = RegisterUser,
    responses(
        (status = 201, description = "The new user", body = UserView,
            headers(("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 400, description = "E-mail já cadastrado para este tenant"),
        (status = 403, description = "Você não tem permissão para esta operação."),
        (status = 404, description = "Tenant não encontrado"),
    )
)]
pub(super) async fn register(
    State(users): State<Users>,
    key: IdempotencyKey,
    Body(wanted): Body<Register>,
) -> Outcome<Answer> {
    Ok(users.register(&key.by(Author::nobody()), wanted).await?)
}
