//! `GET /users/`

use axum::extract::State;
use common::auth::Caller;
use common::http::{Outcome, Page, PageQuery, Params, Problem};
use contracts::form::{Decode, Form, choice, from_text, text, uuid};
use contracts::user::{UserType, UserView};
use uuid::Uuid;

use crate::app::Users;
use crate::store::{Filter, Key, User, Window};

pub(super) struct Query {
    tenant_id: Option<Uuid>,
    user_type: Option<UserType>,
    is_active: Option<bool>,
    search: Option<String>,
}

impl Decode for Query {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.optional("tenant_id", uuid);
        let user_type = form.optional("user_type", choice(UserType::WORDS, UserType::parse));
        let is_active = form.optional("is_active", from_text::boolean);
        let search = form.optional("search", text(0, 200));
        Some(Self {
            tenant_id: tenant_id?,
            user_type: user_type?,
            is_active: is_active?,
            search: search?.filter(|text| !text.is_empty()),
        })
    }
}

/// Lists the users of a tenant by name.
///
/// For admins and `can_manage_users`. Without `tenant_id`: the caller's own tenant.
#[utoipa::path(
    get,
    path = "/users/",
    tag = "users",
    params(
        ("tenant_id" = Option<Uuid>, Query, description = "Whose users; another tenant's: 403"),
        ("user_type" = Option<UserType>, Query, description = "Admins or users only"),
        ("is_active" = Option<bool>, Query, description = "Active or inactive ones only"),
        ("search" = Option<String>, Query, max_length = 200,
            description = "Literal text in name, e-mail, phone or department, in any case"),
        ("limit" = Option<u32>, Query, description = "Rows wanted", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "From the `Link` header of the page before"),
        ("count" = Option<bool>, Query, description = "Whether `X-Total-Count` is wanted"),
    ),
    responses((status = 200, description = "The users, by name", body = [UserView]))
)]
pub(super) async fn list_users(
    caller: Caller,
    Params(query): Params<Query>,
    page: PageQuery,
    State(users): State<Users>,
) -> Outcome<Page<UserView>> {
    let Query { tenant_id, user_type, is_active, search } = query;
    let scope = caller.list_scope(tenant_id)?;
    caller.may(|permissions| permissions.can_manage_users)?;
    let after: Option<Key> = page.after()?;
    if after.as_ref().is_some_and(|key| !key.is_sane()) {
        return Err(Problem::field("cursor", "format", "Cursor inválido."));
    }
    let filter = Filter { scope, user_type, is_active, search };
    let window = Window { after, limit: page.limit + 1 };
    let (rows, total) = users.list(&filter, &window, page.count).await?;
    Ok(page.page(rows, total, User::key).map(User::view))
}
