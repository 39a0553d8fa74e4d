//! Platform operators: made and switched off by command only, never over HTTP.

use common::auth::Scope;
use contracts::authority::PLATFORM;
use contracts::event::DirectoryEvent;
use contracts::form::{self, Decode, Form, text};
use contracts::password::PasswordPolicy;
use contracts::problem::FieldFault;
use contracts::security::{Security, SecurityEvent};
use contracts::user::{CreateUser, Permissions, UserType};
use serde_json::json;
use thiserror::Error as ThisError;
use uuid::Uuid;

use super::{Passwords, Users, Why};
use crate::error::Error;
use crate::events::{draft, security};
use crate::store::session::Ending;
use crate::store::{self, User};

/// Why a command about an operator did nothing.
#[derive(Debug, ThisError)]
pub(crate) enum OperatorError {
    /// The address is one already.
    #[error("there is an operator with this e-mail address already")]
    Taken,
    /// The address is none.
    #[error("there is no operator with this e-mail address")]
    Unknown,
    /// The name, the address or the password is not good.
    #[error("{0}")]
    Invalid(String),
    /// Anything else.
    #[error(transparent)]
    Failed(Error),
}

impl OperatorError {
    #[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
    fn of(faults: Vec<FieldFault>) -> Self {
        let told = faults.iter().map(|fault| format!("{}: {}", fault.path, fault.message));
        Self::Invalid(told.collect::<Vec<_>>().join("\n"))
    }
}

impl From<Error> for OperatorError {
    fn from(error: Error) -> Self {
        if matches!(error, Error::EmailTaken) { Self::Taken } else { Self::Failed(error) }
    }
}

/// What a person at the command line gives of an operator.
struct Person {
    name: String,
    email: String,
    password: String,
}

impl Decode for Person {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let name = form.required("name", text(1, 200));
        let email = form.required("email", form::email);
        let password = form.required("password", text(8, 128));
        Some(Self { name: name?, email: email?, password: password? })
    }
}

impl Users {
    /// Stores a new operator.
    pub(crate) async fn create_operator(
        &self,
        email: &str,
        name: &str,
        password: &str,
    ) -> Result<Uuid, OperatorError> {
        let given = json!({ "name": name, "email": email, "password": password });
        let Person { name, email, password } = form::decode(&given).map_err(OperatorError::of)?;
        Passwords::accept(PasswordPolicy::default(), &password).map_err(OperatorError::of)?;
        let hash = self.passwords.hash(password).await.map_err(Error::from)?;
        let operator =
            User::new(self.ids.next(), profile(name, email), Some(hash), self.clock.now());
        let about = Security { user_id: Some(operator.id), ..Security::default() };
        let event = security(SecurityEvent::OperatorCreated, &about);
        let made = self.database.transact(Scope::Tenant(PLATFORM), async |tx| {
            store::insert(&tx, &operator).await?;
            Ok::<_, Error>(self.outbox.append(&*tx, "command", std::slice::from_ref(&event)).await?)
        });
        made.await?;
        self.relay.wake();
        Ok(operator.id)
    }

    /// Switches an operator off, or on again. What he is signed in to stops at once, and with it
    /// every token by which he acts as a user.
    pub(crate) async fn switch_operator(
        &self,
        email: &str,
        active: bool,
    ) -> Result<Uuid, OperatorError> {
        let switched = self.database.transact(Scope::Tenant(PLATFORM), async |tx| {
            let found = store::lock_operator(&tx, email).await?;
            let mut operator = found.ok_or(Error::Unknown)?;
            if operator.profile.is_active != active {
                operator.profile.is_active = active;
                operator.version += 1;
                operator.updated_at = self.clock.now();
                store::update(&tx, &operator).await?;
                let reason = if active { "activated" } else { "deactivated" };
                let (user_id, reason) = (Some(operator.id), Some(reason.to_owned()));
                let about = Security { user_id, reason, ..Security::default() };
                let drafts = [
                    draft(DirectoryEvent::UserUpdated, PLATFORM, operator.id, operator.version),
                    security(SecurityEvent::PermissionsChanged, &about),
                ];
                self.outbox.append(&*tx, "command", &drafts).await?;
            }
            if !active {
                // Else refresh tokens would be good again with the next `enable-operator`.
                let all = Ending::User { id: operator.id, except: None };
                let _ = self.end_sessions(&tx, all, Why::UserDeactivated, "command").await?;
            }
            Ok::<_, Error>(operator.id)
        });
        let id = switched.await.map_err(|error| {
            let unknown = matches!(error, Error::Unknown);
            if unknown { OperatorError::Unknown } else { OperatorError::from(error) }
        })?;
        self.people.forget(id);
        self.relay.wake();
        Ok(id)
    }
}

/// An operator's row is that of a user who may do nothing: all that he may comes from its tenant,
/// [`PLATFORM`].
fn profile(name: String, email: String) -> CreateUser {
    CreateUser {
        tenant_id: PLATFORM,
        name,
        email,
        phone: None,
        department: None,
        user_type: UserType::User,
        is_active: true,
        permissions: Permissions::NONE,
        preset: None,
        metadata: json!({}),
        password: None,
    }
}
