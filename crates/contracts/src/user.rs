//! Users: the people of a tenant.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::authority::Preset;
use crate::form::{Decode, Form, boolean, choice, email, nested, object, text, uuid};
use crate::password::new_password;

/// Who a user is within the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UserType {
    /// May do everything in the tenant.
    Admin,
    /// May do what the permissions say.
    User,
}

impl UserType {
    /// The wire values.
    pub const WORDS: &'static [&'static str] = &["admin", "user"];

    /// Reads the wire value.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "admin" => Some(Self::Admin),
            "user" => Some(Self::User),
            _ => None,
        }
    }

    /// The wire value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }
}

/// What a user who is no admin may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the contract's four independent switches")]
pub struct Permissions {
    /// Create bookings.
    #[schema(default = false)]
    pub can_book: bool,
    /// Write categories and resources.
    #[schema(default = false)]
    pub can_manage_resources: bool,
    /// Create and edit users, not admins.
    #[schema(default = false)]
    pub can_manage_users: bool,
    /// See the bookings of others.
    #[schema(default = false)]
    pub can_view_all_bookings: bool,
}

impl Permissions {
    /// Everything, as an admin has.
    pub const ALL: Self = Self {
        can_book: true,
        can_manage_resources: true,
        can_manage_users: true,
        can_view_all_bookings: true,
    };

    /// Nothing.
    pub const NONE: Self = Self {
        can_book: false,
        can_manage_resources: false,
        can_manage_users: false,
        can_view_all_bookings: false,
    };

    /// What either of two grants.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            can_book: self.can_book || other.can_book,
            can_manage_resources: self.can_manage_resources || other.can_manage_resources,
            can_manage_users: self.can_manage_users || other.can_manage_users,
            can_view_all_bookings: self.can_view_all_bookings || other.can_view_all_bookings,
        }
    }

    /// Whether all of this is granted by `limit` too.
    pub fn within(self, limit: Self) -> bool {
        self.union(limit) == limit
    }
}

impl Decode for Permissions {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let can_book = form.or("can_book", false, boolean);
        let can_manage_resources = form.or("can_manage_resources", false, boolean);
        let can_manage_users = form.or("can_manage_users", false, boolean);
        let can_view_all_bookings = form.or("can_view_all_bookings", false, boolean);
        Some(Self {
            can_book: can_book?,
            can_manage_resources: can_manage_resources?,
            can_manage_users: can_manage_users?,
            can_view_all_bookings: can_view_all_bookings?,
        })
    }
}

/// A new user, or the merged whole of an edited one.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreateUser {
    /// The tenant the user belongs to; it never changes.
    pub tenant_id: Uuid,
    /// The person's name.
    #[schema(min_length = 1, max_length = 200, example = "João Silva")]
    pub name: String,
    /// Unique in the tenant without regard to case.
    #[schema(format = Email, min_length = 3, max_length = 254, example = "joao@example.com")]
    pub email: String,
    /// Telephone, free form.
    #[schema(max_length = 40, example = "+55 11 90000-0000")]
    pub phone: Option<String>,
    /// Department, free form.
    #[schema(max_length = 120)]
    pub department: Option<String>,
    /// Admin or user.
    pub user_type: UserType,
    /// Whether the person may act at all.
    #[schema(default = true)]
    #[serde(default)]
    pub is_active: bool,
    /// What a `user` may do; an `admin` may do everything.
    #[serde(default)]
    pub permissions: Permissions,
    /// A named set of permissions on top of the single ones.
    #[serde(default)]
    pub preset: Option<Preset>,
    /// Free-form data of the integrator (input alias: `profile_metadata`).
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub metadata: Value,
    /// Sign-in password; write-only. A letter, a digit, none of the 10,000 commonest, and what the
    /// tenant's `password_policy` asks for.
    #[schema(min_length = 8, max_length = 128, format = Password, write_only)]
    #[serde(skip_serializing_if = "always")]
    pub password: Option<String>,
}

/// `skip_serializing` alone would leave the field out of the documentation, too.
const fn always<T>(_: &T) -> bool {
    true
}

/// Nested objects of a user that an edit overlays field by field.
pub const USER_NESTED: &[&str] = &["permissions"];

impl CreateUser {
    /// What the user may do in all: the single permissions and those of the preset.
    pub fn effective(&self) -> Permissions {
        self.permissions.union(self.preset.map_or(Permissions::NONE, Preset::permissions))
    }
}

impl CreateUser {
    /// Reads a user but for the tenant and the type, which are read already, and the password.
    pub(crate) fn decode_as(
        form: &mut Form<'_>,
        tenant_id: Option<Uuid>,
        user_type: Option<UserType>,
    ) -> Option<Self> {
        let name = form.required("name", text(1, 200));
        let email = form.required("email", email);
        let phone = form.optional("phone", text(0, 40));
        let department = form.optional("department", text(0, 120));
        let is_active = form.or("is_active", true, boolean);
        let permissions = form.or("permissions", Permissions::default(), nested::<Permissions>);
        let preset = form.optional("preset", choice(Preset::WORDS, Preset::parse));
        let alias = form.has("profile_metadata");
        let metadata = form.optional("metadata", object);
        let profile = form.optional("profile_metadata", object);
        let metadata = if alias { profile? } else { metadata? };
        Some(Self {
            tenant_id: tenant_id?,
            name: name?,
            email: email?,
            phone: phone?,
            department: department?,
            user_type: user_type?,
            is_active: is_active?,
            permissions: permissions?,
            preset: preset?,
            metadata: metadata.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            password: None,
        })
    }
}

impl Decode for CreateUser {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.required("tenant_id", uuid);
        let user_type = form.required("user_type", choice(UserType::WORDS, UserType::parse));
        let password = form.optional("password", new_password);
        let user = Self::decode_as(form, tenant_id, user_type);
        Some(Self { password: password?, ..user? })
    }
}

/// A user as others may see it. There is no password in it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    /// The user's id.
    pub id: Uuid,
    /// The tenant the user belongs to.
    pub tenant_id: Uuid,
    /// The person's name.
    pub name: String,
    /// The e-mail address as written.
    pub email: String,
    /// Telephone.
    pub phone: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Admin or user.
    pub user_type: UserType,
    /// Whether the person may act at all.
    pub is_active: bool,
    /// What a `user` may do.
    pub permissions: Permissions,
    /// A named set of permissions on top of the single ones.
    pub preset: Option<Preset>,
    /// Free-form data of the integrator.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}
