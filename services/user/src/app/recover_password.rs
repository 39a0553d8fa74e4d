//! A forgotten password: the request for a mail, and the token in it.

use std::net::IpAddr;

use chrono::TimeDelta;
use common::db::{Answer, Once, Scope};
use contracts::password::{RecoverPassword, RecoveryAccepted, ResetPassword};
use contracts::security::{Security, SecurityEvent};
use uuid::Uuid;

use super::throttle::{Account, client_key};
use super::{Passwords, Users, login::Named};
use crate::error::Error;
use crate::store::recoveries::{self, Owner, Request};
use crate::store::{self, Tx, User};

/// How long a token is good.
pub(super) const GOOD_FOR: TimeDelta = TimeDelta::minutes(30);
/// Requests of an account that may wait for their end at once.
const OF_ACCOUNT: i64 = 3;
/// Requests of a client within [`WINDOW`].
const OF_CLIENT: i64 = 20;
const WINDOW: TimeDelta = TimeDelta::hours(1);
/// How long requests are kept.
const KEPT: TimeDelta = TimeDelta::days(1);

impl Users {
    /// Takes down that somebody wants a new password, once, and answers with `told`. The mail is made
    /// and sent elsewhere, so that known and unknown accounts take the same work and the same answer
    /// here.
    pub(crate) async fn recover_password(
        &self,
        once: &Once,
        recover: RecoverPassword,
        told: &RecoveryAccepted,
        client: Option<IpAddr>,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        // Whose account it is, nobody is told: the answer is nobody's.
        let rest = async {
            let request = self.request(recover, client).await?;
            let taken = once.run(&self.database, Scope::All, async |tx| {
                self.take_down(&tx, &request, trace_id).await?;
                Ok::<_, Error>((Answer::accepted(told)?, ()))
            });
            let (answer, _) = taken.await?;
            self.relay.wake();
            self.mail_due.notify_one();
            Ok(answer)
        };
        once.unless_done(&self.database, Scope::All, rest).await
    }

    async fn request(
        &self,
        recover: RecoverPassword,
        client: Option<IpAddr>,
    ) -> Result<Request, Error> {
        let RecoverPassword { email, tenant_id, domain } = recover;
        let named = self.named(tenant_id, domain.as_deref()).await?;
        let user = self.holder(&named, &email).await?.filter(|user| user.profile.is_active);
        let now = self.clock.now();
        Ok(Request {
            id: self.ids.next(),
            tenant: user.as_ref().map_or_else(Uuid::nil, |user| user.profile.tenant_id),
            user: user.map(|user| user.id),
            account_key: named.account(&email).key().to_owned(),
            ip_key: client.map(client_key),
            requested_at: now,
            expires_at: now + GOOD_FOR,
        })
    }

    /// Stores the request, unless there are too many already; nobody is told which.
    async fn take_down(&self, tx: &Tx, request: &Request, trace_id: &str) -> Result<(), Error> {
        // Accounts before clients, always: two requests never wait for each other crosswise.
        recoveries::hold(tx, &request.account_key).await?;
        if let Some(client) = &request.ip_key {
            recoveries::hold(tx, client).await?;
        }
        let since = request.requested_at - WINDOW;
        let (of_account, of_client) = recoveries::live(tx, request, since).await?;
        if of_account >= OF_ACCOUNT || of_client >= OF_CLIENT {
            return Ok(());
        }
        recoveries::insert(tx, request).await?;
        let about =
            Security { tenant_id: request.tenant, user_id: request.user, ..Security::default() };
        let requested = SecurityEvent::PasswordRecoveryRequested;
        Ok(self.security(tx, requested, &about, trace_id).await?)
    }

    /// Sets the password of a token's owner, once.
    pub(crate) async fn reset_password(
        &self,
        once: &Once,
        reset: ResetPassword,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        // A token that is used does not tell any more whose it was: the answer is nobody's.
        let set = self.replace(once, reset, trace_id);
        once.unless_done(&self.database, Scope::All, set).await
    }

    async fn replace(
        &self,
        once: &Once,
        reset: ResetPassword,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        let ResetPassword { token, password } = reset;
        let token_hash = super::token::hash(&token);
        // Looked up once before: a password that is refused must not use the token up.
        let now = self.clock.now();
        let owner = recoveries::owner(&self.database.read(Scope::All), &token_hash, now).await?;
        let user = self.owner(owner.ok_or(Error::BadToken)?).await?;
        let policy = self.password_policy(user.profile.tenant_id).await?;
        Passwords::accept(policy, &password).map_err(Error::Invalid)?;
        let hash = self.passwords.hash(password).await?;
        let changed = once.run(&self.database, Scope::All, async |tx| {
            let (tenant, email) = (user.profile.tenant_id, &user.profile.email);
            self.pardon(&tx, tenant, email).await?;
            let consumed = recoveries::consume(&tx, &token_hash, self.clock.now()).await?;
            let Owner { tenant, user } = consumed.ok_or(Error::BadToken)?;
            let current = store::lock(&tx, Scope::Tenant(tenant), user).await?;
            let current = current.filter(|user| user.profile.is_active).ok_or(Error::BadToken)?;
            let ended = self.replace_password(&tx, current, hash.clone(), None, trace_id).await?;
            Ok::<_, Error>((Answer::no_content(), ended))
        });
        let (answer, ended) = changed.await?;
        if let Some(ended) = ended {
            self.people.forget(user.id);
            self.sessions_ended(&ended);
        }
        Ok(answer)
    }

    async fn owner(&self, owner: Owner) -> Result<User, Error> {
        let scope = Scope::Tenant(owner.tenant);
        let found = store::find(&self.database.read(scope), scope, owner.user).await?;
        found.filter(|user| user.profile.is_active).ok_or(Error::BadToken)
    }

    /// The only one who has an address where it was looked for.
    pub(super) async fn holder(&self, named: &Named, email: &str) -> Result<Option<User>, Error> {
        let mut found = match named {
            // All where no tenant is named: the address alone says whose it is.
            Named::Scope(scope) => {
                store::sign_in(&self.database.read(*scope), email, *scope).await?
            }
            Named::Nobody(_) => Vec::new(),
        };
        Ok(if found.len() == 1 { found.pop() } else { None })
    }

    /// Removes requests that are over.
    pub(crate) async fn prune_recoveries(&self) -> Result<(), store::DbErr> {
        let before = self.clock.now() - KEPT;
        self.database.transact(Scope::All, async |tx| recoveries::prune(&tx, before).await).await
    }
}

impl Named {
    /// The account that is meant, known or not.
    pub(super) fn account(&self, email: &str) -> Account {
        match self {
            Self::Scope(Scope::Tenant(tenant)) => Account::of(Some(*tenant), email),
            Self::Scope(Scope::All) => Account::of(None, email),
            Self::Nobody(domain) => Account::nowhere(domain, email),
        }
    }
}
