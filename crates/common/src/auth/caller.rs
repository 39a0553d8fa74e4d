//! Who calls, once it is proved.

use contracts::user::{Permissions, UserType};
use uuid::Uuid;

use crate::db::Scope;
use crate::http::Problem;

/// A user who has proved to be one, with the authority of this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user_id: Uuid,
    /// The user's tenant.
    pub tenant_id: Uuid,
    /// Admin or user.
    pub user_type: UserType,
    /// What the user may do; an admin has all.
    pub permissions: Permissions,
    /// By what it was proved.
    pub credential: Credential,
}

/// By what a user was proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// An access token of a session.
    Session(Session),
    /// An API key of the tenant: the "user" is the key, and nobody in particular.
    ApiKey,
    /// A link to one of the user's bookings, by its id: whoever has it acts for the user on that booking.
    Link(Uuid),
}

/// The session an access token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: Uuid,
    /// When the password was last given, seconds since 1970.
    pub auth_time: i64,
    /// The operator who acts as the user.
    pub impersonator: Option<Uuid>,
}

/// One who runs the platform and belongs to no tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    /// The operator.
    pub user_id: Uuid,
    /// The session.
    pub session: Session,
}

/// Everyone who can call. Most routes take a [`Caller`], which operators are not: they act inside a
/// tenant only as one of its users, visibly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// `AUTH_MODE=optional` and no token: may do everything.
    Developer,
    /// A platform operator, by a token.
    Operator(Operator),
    /// A user, by a token or an API key.
    User(Identity),
}

impl Principal {
    /// The caller of a tenant's routes; 403 for an operator.
    pub fn into_caller(self) -> Result<Caller, Problem> {
        match self {
            Self::Developer => Ok(Caller::Developer),
            Self::User(identity) => Ok(Caller::User(identity)),
            Self::Operator(_) => Err(Problem::not_allowed()),
        }
    }

    /// Whether it may do what only those who run the platform may.
    pub fn runs_platform(&self) -> bool {
        match self {
            Self::Developer | Self::Operator(_) => true,
            Self::User(_) => false,
        }
    }

    /// Whose rows it may see at all.
    pub fn covers(&self, tenant: Uuid) -> bool {
        match self {
            Self::Developer | Self::Operator(_) => true,
            Self::User(identity) => identity.tenant_id == tenant,
        }
    }

    /// Whose rows the database is to let it see.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Developer | Self::Operator(_) => Scope::All,
            Self::User(identity) => Scope::Tenant(identity.tenant_id),
        }
    }

    /// The session it calls by; `None` for keys and developers.
    pub fn session(&self) -> Option<Session> {
        match self {
            Self::Developer => None,
            Self::Operator(operator) => Some(operator.session),
            Self::User(identity) => identity.session(),
        }
    }

    /// The user it is; a key and the developer are none.
    pub fn person(&self) -> Option<Uuid> {
        match self {
            Self::Developer => None,
            Self::Operator(operator) => Some(operator.user_id),
            Self::User(identity) => identity.session().map(|_| identity.user_id),
        }
    }
}

impl Identity {
    /// The session it calls by; `None` for an API key and a link.
    pub fn session(&self) -> Option<Session> {
        match self.credential {
            Credential::Session(session) => Some(session),
            Credential::ApiKey | Credential::Link(_) => None,
        }
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// `AUTH_MODE=optional` and no token: may do everything.
    Developer,
    /// A user, by a token.
    User(Identity),
}

impl From<Caller> for Principal {
    fn from(caller: Caller) -> Self {
        match caller {
            Caller::Developer => Self::Developer,
            Caller::User(identity) => Self::User(identity),
        }
    }
}

impl Caller {
    /// Whose rows this caller may see at all; of others it is as if they were not there.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Developer => Scope::All,
            Self::User(identity) => Scope::Tenant(identity.tenant_id),
        }
    }

    /// The scope of a list that may name a tenant: 403 if it names another.
    pub fn list_scope(&self, named: Option<Uuid>) -> Result<Scope, Problem> {
        match (self, named) {
            (Self::Developer, Some(tenant)) => Ok(Scope::Tenant(tenant)),
            (Self::Developer, None) => Ok(Scope::All),
            (Self::User(_), Some(tenant)) => self.within(tenant).map(|()| Scope::Tenant(tenant)),
            (Self::User(identity), None) => Ok(Scope::Tenant(identity.tenant_id)),
        }
    }

    /// 403 unless `tenant` is the caller's.
    pub fn within(&self, tenant: Uuid) -> Result<(), Problem> {
        if self.scope().covers(tenant) { Ok(()) } else { Err(Problem::other_tenant()) }
    }

    /// 403 unless the caller has the permission.
    pub fn may(&self, permission: impl FnOnce(&Permissions) -> bool) -> Result<(), Problem> {
        if permission(&self.permissions()) { Ok(()) } else { Err(Problem::not_allowed()) }
    }

    /// What the caller may do.
    pub fn permissions(&self) -> Permissions {
        match self {
            Self::Developer => Permissions::ALL,
            Self::User(identity) => identity.permissions,
        }
    }

    /// Whether the caller may do everything in the tenant.
    pub fn is_admin(&self) -> bool {
        match self {
            Self::Developer => true,
            Self::User(identity) => identity.user_type == UserType::Admin,
        }
    }

    /// 403 unless the caller is an admin.
    pub fn admin(&self) -> Result<(), Problem> {
        if self.is_admin() { Ok(()) } else { Err(Problem::not_allowed()) }
    }

    /// Whether the caller is this very user.
    pub fn is(&self, user: Uuid) -> bool {
        self.user_id() == Some(user)
    }

    /// The session the caller calls by; `None` for keys and developers.
    pub fn session(&self) -> Option<Session> {
        match self {
            Self::Developer => None,
            Self::User(identity) => identity.session(),
        }
    }

    /// Whether an integration calls, for its tenant and as nobody in particular.
    pub fn is_integration(&self) -> bool {
        match self {
            Self::Developer => false,
            Self::User(identity) => identity.credential == Credential::ApiKey,
        }
    }

    /// The link the caller calls by, if it is by one.
    pub fn link(&self) -> Option<Uuid> {
        match self {
            Self::Developer => None,
            Self::User(identity) => match identity.credential {
                Credential::Link(link) => Some(link),
                Credential::Session(_) | Credential::ApiKey => None,
            },
        }
    }

    /// 403 unless a person calls who is not impersonated, or the developer: for what must stay in a
    /// person's own hands.
    pub fn in_person(&self) -> Result<(), Problem> {
        match self {
            Self::Developer => Ok(()),
            Self::User(identity) => match identity.session() {
                Some(Session { impersonator: None, .. }) => Ok(()),
                Some(_) | None => Err(Problem::not_allowed()),
            },
        }
    }

    /// The user who calls, or the key; `None` for the developer.
    pub fn user_id(&self) -> Option<Uuid> {
        match self {
            Self::Developer => None,
            Self::User(identity) => Some(identity.user_id),
        }
    }
}
