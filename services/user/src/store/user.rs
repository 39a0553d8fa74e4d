//! A user as the use cases know it, and its way to and from the row.

use chrono::{DateTime, Utc};
use common::version::{Version, Versioned};
use contracts::authority::{PLATFORM, Preset};
use contracts::facts::UserFacts;
use contracts::page::fold;
use contracts::user::{CreateUser, UserType, UserView};
use sea_orm::DbErr;
use uuid::Uuid;

use super::entity::Model;
use super::queries::Key;

/// The stored type of those who run the platform.
const OPERATOR: &str = "operator";

/// A user. There is no `Debug`: what is in it belongs into no log.
#[derive(Clone)]
pub(crate) struct User {
    /// The user's id.
    pub(crate) id: Uuid,
    /// What was written of the user; the password is never in it.
    pub(crate) profile: CreateUser,
    /// The password's hash, a PHC string.
    pub(crate) password_hash: Option<String>,
    /// Grows by one with every accepted change; the first is 1.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

impl User {
    /// A user who begins now.
    pub(crate) fn new(
        id: Uuid,
        mut profile: CreateUser,
        password_hash: Option<String>,
        now: DateTime<Utc>,
    ) -> Self {
        profile.password = None;
        Self { id, profile, password_hash, version: 1, created_at: now, updated_at: now }
    }

    /// The sort key of lists.
    pub(crate) fn key(&self) -> Key {
        Key(fold(&self.profile.name), self.id)
    }

    /// Which version this is.
    pub(crate) fn version(&self) -> Version {
        Version::new("u", self.version)
    }

    /// What others may see, and of which version.
    pub(crate) fn versioned(self) -> Versioned<UserView> {
        Versioned::new(self.version(), self.view())
    }

    /// What others may see.
    pub(crate) fn view(self) -> UserView {
        let Self { id, profile, password_hash: _, version: _, created_at, updated_at } = self;
        let CreateUser {
            tenant_id,
            name,
            email,
            phone,
            department,
            user_type,
            is_active,
            permissions,
            preset,
            metadata,
            password: _,
        } = profile;
        UserView {
            id,
            tenant_id,
            name,
            email,
            phone,
            department,
            user_type,
            is_active,
            permissions,
            preset,
            metadata,
            created_at,
            updated_at,
        }
    }

    /// What the neighbours decide by.
    pub(crate) fn facts(&self) -> UserFacts {
        UserFacts {
            id: self.id,
            tenant_id: self.profile.tenant_id,
            user_type: self.profile.user_type,
            permissions: self.profile.effective(),
            preset: self.profile.preset,
            is_active: self.profile.is_active,
            version: self.version,
        }
    }

    pub(super) fn from_row(row: Model) -> Result<Self, DbErr> {
        let Model {
            id,
            tenant_id,
            name,
            name_key: _,
            email,
            email_key: _,
            phone,
            department,
            user_type,
            is_active,
            permissions,
            preset,
            metadata,
            password_hash,
            search_key: _,
            version,
            created_at,
            updated_at,
        } = row;
        let unreadable =
            |what: &str| DbErr::Custom(format!("user {id}: stored {what} not readable"));
        let user_type = match user_type.as_str() {
            // Operators have no type of a tenant's, and no permissions in any.
            OPERATOR if tenant_id == PLATFORM => UserType::User,
            word => UserType::parse(word).ok_or_else(|| unreadable("user_type"))?,
        };
        let permissions =
            serde_json::from_value(permissions).map_err(|_| unreadable("permissions"))?;
        let preset = match preset {
            Some(word) => Some(Preset::parse(&word).ok_or_else(|| unreadable("preset"))?),
            None => None,
        };
        let password = None;
        let profile = CreateUser {
            tenant_id,
            name,
            email,
            phone,
            department,
            user_type,
            is_active,
            permissions,
            preset,
            metadata,
            password,
        };
        Ok(Self { id, profile, password_hash, version, created_at, updated_at })
    }

    pub(super) fn to_row(&self) -> Result<Model, DbErr> {
        let Self { id, profile, password_hash, version, created_at, updated_at } = self;
        let CreateUser {
            tenant_id,
            name,
            email,
            phone,
            department,
            user_type,
            is_active,
            permissions,
            preset,
            metadata,
            password: _,
        } = profile;
        let searched = [
            name.as_str(),
            email,
            phone.as_deref().unwrap_or(""),
            department.as_deref().unwrap_or(""),
        ];
        Ok(Model {
            id: *id,
            tenant_id: *tenant_id,
            name: name.clone(),
            name_key: fold(name),
            email: email.clone(),
            email_key: fold(email),
            phone: phone.clone(),
            department: department.clone(),
            user_type: if *tenant_id == PLATFORM { OPERATOR } else { user_type.as_str() }
                .to_owned(),
            is_active: *is_active,
            permissions: serde_json::to_value(permissions)
                .map_err(|error| DbErr::Json(error.to_string()))?,
            preset: preset.map(|preset| preset.as_str().to_owned()),
            metadata: metadata.clone(),
            password_hash: password_hash.clone(),
            search_key: fold(&searched.join("\n")),
            version: *version,
            created_at: *created_at,
            updated_at: *updated_at,
        })
    }
}
