//! Sessions: sign-in, tokens, and what a person sees of where he is signed in.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::authority::Preset;
use crate::form::{Decode, Form, choice, text, uuid};
use crate::password::new_password;
use crate::user::{CreateUser, Permissions, UserType, UserView};

/// Credentials of a sign-in, as a form or as JSON.
#[derive(Clone, Deserialize, ToSchema)]
pub struct Login {
    /// The e-mail address.
    #[schema(min_length = 1, max_length = 254, example = "ana@example.com")]
    pub email: String,
    /// The password.
    #[schema(min_length = 1, max_length = 128, format = Password)]
    pub password: String,
    /// Which tenant, when the address exists in several.
    pub tenant_id: Option<Uuid>,
    /// The same, by the tenant's domain.
    #[schema(min_length = 1, max_length = 253)]
    pub domain: Option<String>,
}

impl Decode for Login {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let email = form.required("email", text(1, 254));
        let password = form.required("password", text(1, 128));
        let tenant_id = form.optional("tenant_id", uuid);
        let domain = form.optional("domain", text(1, 253));
        Some(Self { email: email?, password: password?, tenant_id: tenant_id?, domain: domain? })
    }
}

/// `POST /auth/token`: a sign-in as the password grant of OAuth 2 has it.
#[derive(Clone, Deserialize, ToSchema)]
pub struct TokenRequest {
    /// The e-mail address.
    #[schema(min_length = 1, max_length = 254, example = "ana@example.com")]
    pub username: String,
    /// The password.
    #[schema(min_length = 1, max_length = 128, format = Password)]
    pub password: String,
    /// Which tenant, when the address exists in several.
    pub tenant_id: Option<Uuid>,
    /// The same, by the tenant's domain.
    #[schema(min_length = 1, max_length = 253)]
    pub domain: Option<String>,
    /// Always `password`; may be left out.
    #[schema(pattern = "^password$", example = "password")]
    pub grant_type: Option<String>,
    /// Taken for the form's sake; means nothing.
    #[schema(max_length = 1000)]
    pub scope: Option<String>,
    /// Taken for the form's sake; means nothing.
    #[schema(max_length = 200)]
    pub client_id: Option<String>,
    /// Taken for the form's sake; means nothing.
    #[schema(max_length = 200)]
    pub client_secret: Option<String>,
}

impl Decode for TokenRequest {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let username = form.required("username", text(1, 254));
        let password = form.required("password", text(1, 128));
        let tenant_id = form.optional("tenant_id", uuid);
        let domain = form.optional("domain", text(1, 253));
        let word = |word: &str| (word == "password").then(|| word.to_owned());
        let grant_type = form.optional("grant_type", choice(&["password"], word));
        let scope = form.optional("scope", text(0, 1_000));
        let client_id = form.optional("client_id", text(0, 200));
        let client_secret = form.optional("client_secret", text(0, 200));
        Some(Self {
            username: username?,
            password: password?,
            tenant_id: tenant_id?,
            domain: domain?,
            grant_type: grant_type?,
            scope: scope?,
            client_id: client_id?,
            client_secret: client_secret?,
        })
    }
}

impl From<TokenRequest> for Login {
    fn from(request: TokenRequest) -> Self {
        let TokenRequest { username, password, tenant_id, domain, .. } = request;
        Self { email: username, password, tenant_id, domain }
    }
}

/// `POST /auth/register`: somebody makes an account for himself. The body is that of a new user, whose
/// tenant may be named by its domain, whose type may be left out, and who needs a password.
#[derive(Clone)]
pub struct Register {
    /// The tenant.
    pub tenant_id: Option<Uuid>,
    /// The tenant's domain.
    pub domain: Option<String>,
    /// The user that is wanted, of no tenant yet.
    pub profile: CreateUser,
}

impl Decode for Register {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.optional("tenant_id", uuid);
        let domain = form.optional("domain", text(1, 253));
        let tenant_id = match (tenant_id, &domain) {
            (Some(None), Some(None)) => form.fault("tenant_id", "missing", "Campo obrigatório."),
            (tenant_id, _) => tenant_id,
        };
        let parse = choice(UserType::WORDS, UserType::parse);
        let user_type = form.or("user_type", UserType::User, parse);
        let password = form.required("password", new_password);
        let nobodys = Some(Uuid::nil());
        let profile = CreateUser::decode_as(form, nobodys, user_type, password.map(Some));
        Some(Self { tenant_id: tenant_id?, domain: domain?, profile: profile? })
    }
}

/// A refresh token in the body, for clients without cookies (`?transport=body`).
#[derive(Clone, Default, Deserialize, ToSchema)]
pub struct RefreshBody {
    /// The token of the answer before.
    #[schema(min_length = 1, max_length = 200, example = "mr_…")]
    pub refresh_token: Option<String>,
}

impl Decode for RefreshBody {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let refresh_token = form.optional("refresh_token", text(1, 200));
        Some(Self { refresh_token: refresh_token? })
    }
}

/// The answer to a sign-in or a refresh.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// The signed access token.
    pub access_token: String,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: String,
    /// Seconds until the access token expires.
    pub expires_in: u64,
    /// Trades itself for the next pair, once. Only with `?transport=body`; else it is in a cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// A platform operator's wish to act as a user.
#[derive(Clone, Deserialize, ToSchema)]
pub struct Impersonate {
    /// As whom.
    pub user_id: Uuid,
    /// Why; it is kept, and the tenant may be shown it.
    #[schema(
        min_length = 3,
        max_length = 200,
        example = "Chamado 4711: não vê a agenda de amanhã"
    )]
    pub reason: String,
}

impl Decode for Impersonate {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let user_id = form.required("user_id", uuid);
        let reason = form.required("reason", text(3, 200));
        Some(Self { user_id: user_id?, reason: reason? })
    }
}

/// One place where a user is signed in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// The session's id; its refresh tokens are one family.
    pub id: Uuid,
    /// When the user signed in.
    pub created_at: DateTime<Utc>,
    /// When tokens were last issued.
    pub last_used_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// What the client said it is.
    pub user_agent: Option<String>,
    /// From which address.
    pub ip: Option<String>,
    /// The operator who acts as the user in this session.
    pub impersonated_by: Option<Uuid>,
    /// Whether it is the session of this very request.
    pub current: bool,
}

/// What calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallerKind {
    /// A person of a tenant.
    User,
    /// One who runs the platform.
    Operator,
    /// An integration of a tenant, by an API key.
    ApiKey,
    /// Anyone, on a platform that is open for development.
    Developer,
}

/// `GET /auth/me`: who calls, and what the caller may do. What a caller of this kind does not have is
/// null.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct MeView {
    /// What calls.
    pub kind: CallerKind,
    /// The user, or the API key.
    pub id: Option<Uuid>,
    /// The caller's tenant; operators have none.
    pub tenant_id: Option<Uuid>,
    /// What the person is called.
    pub name: Option<String>,
    /// The person's e-mail address.
    pub email: Option<String>,
    /// Telephone number as written.
    pub phone: Option<String>,
    /// Where in the organisation the person belongs.
    pub department: Option<String>,
    /// Admin or user; of a tenant's people.
    pub user_type: Option<UserType>,
    /// Always true: who is inactive does not get here.
    pub is_active: bool,
    /// What the caller may do at this moment, with the preset and all.
    pub permissions: Permissions,
    /// The named set of permissions among them.
    pub preset: Option<Preset>,
    /// Free-form data of the integrator.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
    /// When the user was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When the user was last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// The session of this very request.
    pub session_id: Option<Uuid>,
    /// The operator who acts as the user.
    pub impersonated_by: Option<Uuid>,
}

impl MeView {
    /// A caller of whom no more is known.
    pub fn nameless(kind: CallerKind, permissions: Permissions) -> Self {
        Self {
            kind,
            id: None,
            tenant_id: None,
            name: None,
            email: None,
            phone: None,
            department: None,
            user_type: None,
            is_active: true,
            permissions,
            preset: None,
            metadata: None,
            created_at: None,
            updated_at: None,
            session_id: None,
            impersonated_by: None,
        }
    }

    /// A person, who may do this.
    pub fn person(kind: CallerKind, user: UserView, permissions: Permissions) -> Self {
        let of_tenant = kind == CallerKind::User;
        Self {
            id: Some(user.id),
            tenant_id: of_tenant.then_some(user.tenant_id),
            name: Some(user.name),
            email: Some(user.email),
            phone: user.phone,
            department: user.department,
            user_type: of_tenant.then_some(user.user_type),
            is_active: user.is_active,
            preset: user.preset,
            metadata: Some(user.metadata),
            created_at: Some(user.created_at),
            updated_at: Some(user.updated_at),
            ..Self::nameless(kind, permissions)
        }
    }
}
