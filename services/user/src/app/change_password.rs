//! Changes a password: by its owner, who knows the old one.

use std::net::IpAddr;

use common::auth::Caller;
use common::db::{Answer, Once};
use contracts::event::DirectoryEvent;
use contracts::password::ChangePassword;
use contracts::security::{Security, SecurityEvent};
use uuid::Uuid;

use super::throttle::{Account, Attempt};
use super::{Ended, PasswordError, Passwords, Users, Why};
use crate::error::Error;
use crate::events::draft;
use crate::store::session::Ending;
use crate::store::{self, DbErr, Tx, User, recoveries};

impl Users {
    /// Sets the caller's password, once. A wrong current one counts like a failed sign-in.
    pub(crate) async fn change_password(
        &self,
        caller: &Caller,
        once: &Once,
        change: ChangePassword,
        client: Option<IpAddr>,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        if caller.in_person().is_err() {
            return Err(Error::NotAllowed);
        }
        let rest = async {
            let user = self.find_self(caller).await?;
            let policy = self.password_policy(user.profile.tenant_id).await?;
            Passwords::accept_at("new_password", policy, &change.new_password)
                .map_err(Error::Invalid)?;
            let account = Account::of(Some(user.profile.tenant_id), &user.profile.email);
            let attempt = self.attempt(&account, client).await?;
            let done = self.change(caller, once, (user, &attempt), change, trace_id).await;
            if done.as_ref().is_ok_and(Answer::is_replayed) {
                self.not_made(&attempt).await?;
            }
            done
        };
        once.unless_done(&self.database, caller.scope(), rest).await
    }

    async fn change(
        &self,
        caller: &Caller,
        once: &Once,
        (user, attempt): (User, &Attempt),
        change: ChangePassword,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        let ChangePassword { current_password, new_password } = change;
        let (scope, known) = (caller.scope(), user.password_hash.clone());
        if !self.compare(attempt, current_password, known.clone()).await? {
            // Unless it is this very request that has changed it meanwhile.
            let done = once.stored::<Error>(&self.database, scope).await?;
            return done.ok_or(Error::WrongPassword);
        }
        let hash = self.passwords.hash(new_password).await?;
        let own = caller.session().map(|session| session.id);
        let changed = once.run(&self.database, scope, async |tx| {
            self.succeeded(&tx, attempt).await?;
            let current = store::lock(&tx, scope, user.id).await?.ok_or(Error::Unknown)?;
            if current.password_hash != known {
                // Somebody was faster: what was compared is no longer the password.
                return Err(Error::WrongPassword);
            }
            let ended = self.replace_password(&tx, current, hash.clone(), own, trace_id).await?;
            Ok::<_, Error>((Answer::no_content(), ended))
        });
        let (answer, ended) = changed.await?;
        if let Some(ended) = ended {
            self.people.forget(user.id);
            self.sessions_ended(&ended);
        }
        Ok(answer)
    }

    /// Compares a password under an attempt that was granted. Where the hasher cannot, the attempt was
    /// not made.
    pub(super) async fn compare(
        &self,
        attempt: &Attempt,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        match self.passwords.verify(password, hash).await {
            Err(busy @ PasswordError::Busy) => {
                self.not_made(attempt).await?;
                Err(busy.into())
            }
            done => Ok(done?),
        }
    }

    /// Stores the hash of a new password, tells the neighbours, and does what follows.
    pub(super) async fn replace_password(
        &self,
        tx: &Tx,
        current: User,
        hash: String,
        except: Option<Uuid>,
        trace_id: &str,
    ) -> Result<Ended, Error> {
        let (version, updated_at) = (current.version + 1, self.clock.now());
        let changed = User { password_hash: Some(hash), version, updated_at, ..current };
        store::update(tx, &changed).await?;
        let (tenant, user) = (changed.profile.tenant_id, changed.id);
        let event = draft(DirectoryEvent::UserUpdated, tenant, user, version);
        self.outbox.append(tx, trace_id, &[event]).await?;
        Ok(self.password_replaced(tx, &changed, None, except, trace_id).await?)
    }

    /// What follows when a password is set or taken away, however that came about: the user's mailed
    /// tokens end, and the sessions, except the one it was done in.
    pub(super) async fn password_replaced(
        &self,
        tx: &Tx,
        user: &User,
        by: Option<Uuid>,
        except: Option<Uuid>,
        trace_id: &str,
    ) -> Result<Ended, DbErr> {
        recoveries::spend(tx, user.id, self.clock.now()).await?;
        let (tenant_id, user_id) = (user.profile.tenant_id, Some(user.id));
        let about = Security { tenant_id, user_id, by, ..Security::default() };
        self.security(tx, SecurityEvent::PasswordChanged, &about, trace_id).await?;
        let others = Ending::User { id: user.id, except };
        self.end_sessions(tx, others, Why::PasswordChanged, trace_id).await
    }
}
