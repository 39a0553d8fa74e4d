//! Changes a user.

use common::auth::Caller;
use common::version::Precondition;
use contracts::event::DirectoryEvent;
use contracts::form;
use contracts::user::{CreateUser, USER_NESTED};
use serde_json::Value;
use uuid::Uuid;

use super::rules::{self, Standing};
use super::{Ended, Passwords, Users};
use crate::error::Error;
use crate::events::draft;
use crate::store::{self, Tx, User};

/// What an edit does to the password.
enum Password {
    Keep,
    Clear,
    Set(String),
}

impl Users {
    /// Overlays `patch` on the user. The merged whole is judged; nothing is stored if it is bad.
    pub(crate) async fn update(
        &self,
        caller: &Caller,
        id: Uuid,
        patch: &Value,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<User, Error> {
        // Judged once before, so that the slow hash is made outside the transaction and only for
        // an edit that would be accepted.
        let seen = store::find(&self.database.read(caller.scope()), caller.scope(), id).await?;
        let seen = seen.ok_or(Error::Unknown)?;
        let mut next = judge(caller, &seen, patch)?;
        let cleared = patch.get("password").is_some_and(Value::is_null);
        if cleared || next.password.is_some() {
            caller.in_person().map_err(|_| Error::NotAllowed)?;
        }
        let password = match (next.password.take(), cleared) {
            (Some(password), _) => {
                let policy = self.password_policy(seen.profile.tenant_id).await?;
                Passwords::accept(policy, &password).map_err(Error::Invalid)?;
                Password::Set(self.passwords.hash(password).await?)
            }
            (None, true) => Password::Clear,
            (None, false) => Password::Keep,
        };
        let changed = self.database.transact(caller.scope(), async |tx| {
            if let Password::Set(_) = &password {
                let profile = &seen.profile;
                self.pardon(&tx, profile.tenant_id, &profile.email).await?;
            }
            let current = store::lock(&tx, caller.scope(), id).await?.ok_or(Error::Unknown)?;
            wanted.check(current.version())?;
            let profile = judge(caller, &current, patch)?;
            let (changed, before) = self.save(&tx, current, profile, &password, trace_id).await?;
            let ended = match before {
                Some(before) => self.followed(&tx, caller, &before, &changed, trace_id).await?,
                None => Ended::none(),
            };
            Ok::<_, Error>((changed, ended))
        });
        let (changed, ended) = changed.await?;
        self.people.forget(id);
        self.sessions_ended(&ended);
        Ok(changed)
    }

    /// Stores the change and its event together; a change of nothing is none. Returns the user as it
    /// is, and as it was if that differs.
    async fn save(
        &self,
        tx: &Tx,
        current: User,
        mut profile: CreateUser,
        password: &Password,
        trace_id: &str,
    ) -> Result<(User, Option<User>), Error> {
        profile.password = None;
        let password_hash = match password {
            Password::Keep => current.password_hash.clone(),
            Password::Clear => None,
            Password::Set(hash) => Some(hash.clone()),
        };
        if same(&current.profile, &profile) && current.password_hash == password_hash {
            return Ok((current, None));
        }
        let (version, updated_at, before) =
            (current.version + 1, self.clock.now(), current.clone());
        let changed = User { profile, password_hash, version, updated_at, ..current };
        store::update(tx, &changed).await?;
        let tenant = changed.profile.tenant_id;
        let event = draft(DirectoryEvent::UserUpdated, tenant, changed.id, version);
        self.outbox.append(tx, trace_id, &[event]).await?;
        Ok((changed, Some(before)))
    }
}

/// What the user would be after the edit, if the caller may make it so.
fn judge(caller: &Caller, current: &User, patch: &Value) -> Result<CreateUser, Error> {
    rules::reach(caller, current.id)?;
    let mut whole = serde_json::to_value(&current.profile).unwrap_or_default();
    if patch.get("profile_metadata").is_some()
        && let Some(fields) = whole.as_object_mut()
    {
        fields.remove("metadata");
    }
    let merged = form::merge(&whole, patch, USER_NESTED);
    let next = form::decode::<CreateUser>(&merged).map_err(Error::Invalid)?;
    if next.tenant_id != current.profile.tenant_id {
        return Err(Error::OtherTenant);
    }
    rules::change(caller, current.id, Standing::of(&current.profile), Standing::of(&next))?;
    Ok(next)
}

/// Whether two profiles are the same; the password is looked at elsewhere.
fn same(one: &CreateUser, other: &CreateUser) -> bool {
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
    } = one;
    *tenant_id == other.tenant_id
        && *name == other.name
        && *email == other.email
        && *phone == other.phone
        && *department == other.department
        && *user_type == other.user_type
        && *is_active == other.is_active
        && *permissions == other.permissions
        && *preset == other.preset
        && *metadata == other.metadata
}
