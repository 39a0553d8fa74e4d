//! A forgotten password: the request for a mail, and the token in it.

use std::net::IpAddr;

use chrono::TimeDelta;
use contracts::password::{RecoverPassword, ResetPassword};
use uuid::Uuid;

use super::security::{Noted, security};
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
    /// Takes down that somebody wants a new password. The mail is made and sent elsewhere, so that
    /// known and unknown accounts take the same work and the same answer here.
    pub(crate) async fn recover_password(
        &self,
        recover: RecoverPassword,
        client: Option<IpAddr>,
    ) -> Result<(), Error> {
        let RecoverPassword { email, tenant_id, domain } = recover;
        let named = self.named(tenant_id, domain.as_deref()).await?;
        let user = self.holder(&named, &email).await?.filter(|user| user.profile.is_active);
        let now = self.clock.now();
        let request = Request {
            id: self.ids.next(),
            tenant: user.as_ref().map_or_else(Uuid::nil, |user| user.profile.tenant_id),
            user: user.map(|user| user.id),
            account_key: named.account(&email).key().to_owned(),
            ip_key: client.map(client_key),
            requested_at: now,
            expires_at: now + GOOD_FOR,
        };
        self.database.transact(async |tx| take_down(&tx, &request).await).await?;
        self.mail_due.notify_one();
        Ok(())
    }

    /// Sets the password of a token's owner, once.
    pub(crate) async fn reset_password(
        &self,
        reset: ResetPassword,
        trace_id: &str,
    ) -> Result<(), Error> {
        let ResetPassword { token, password } = reset;
        let token_hash = super::token::hash(&token);
        // Looked up once before: a password that is refused must not use the token up.
        let now = self.clock.now();
        let owner = recoveries::owner(self.database.read(), &token_hash, now).await?;
        let user = self.owner(owner.ok_or(Error::BadToken)?).await?;
        let policy = self.password_policy(user.profile.tenant_id).await?;
        Passwords::accept(&policy, &password).map_err(Error::Invalid)?;
        let hash = self.passwords.hash(password).await?;
        let changed = self.database.transact(async |tx| {
            let (tenant, email) = (user.profile.tenant_id, &user.profile.email);
            self.pardon(&tx, tenant, email).await?;
            let used = recoveries::consume(&tx, &token_hash, self.clock.now()).await?;
            let Owner { tenant, user } = used.ok_or(Error::BadToken)?;
            let current = store::lock(&tx, common::auth::Scope::Tenant(tenant), user).await?;
            let current = current.filter(|user| user.profile.is_active).ok_or(Error::BadToken)?;
            self.replace_password(&tx, current, hash.clone(), trace_id).await
        });
        changed.await?;
        self.people.forget(user.id);
        self.relay.wake();
        Ok(())
    }

    async fn owner(&self, owner: Owner) -> Result<User, Error> {
        let scope = common::auth::Scope::Tenant(owner.tenant);
        let found = store::find(self.database.read(), scope, owner.user).await?;
        found.filter(|user| user.profile.is_active).ok_or(Error::BadToken)
    }

    /// The only one who has an address where it was looked for.
    pub(super) async fn holder(&self, named: &Named, email: &str) -> Result<Option<User>, Error> {
        let mut found = match named {
            Named::Scope(scope) => store::sign_in(self.database.read(), email, *scope).await?,
            Named::Nobody(_) => Vec::new(),
        };
        Ok(if found.len() == 1 { found.pop() } else { None })
    }

    /// Removes requests that are over.
    pub(crate) async fn prune_recoveries(&self) -> Result<(), store::DbErr> {
        let before = self.clock.now() - KEPT;
        self.database.transact(async |tx| recoveries::prune(&tx, before).await).await
    }
}

/// Stores the request, unless there are too many already; nobody is told which.
async fn take_down(tx: &Tx, request: &Request) -> Result<(), Error> {
    // Accounts before clients, always: two requests never wait for each other crosswise.
    recoveries::hold(tx, &request.account_key).await?;
    if let Some(client) = &request.ip_key {
        recoveries::hold(tx, client).await?;
    }
    let (of_account, of_client) =
        recoveries::live(tx, request, request.requested_at - WINDOW).await?;
    if of_account >= OF_ACCOUNT || of_client >= OF_CLIENT {
        return Ok(());
    }
    recoveries::insert(tx, request).await?;
    let Request { tenant, user, .. } = *request;
    let event_type = "security.password_recovery_requested";
    security(tx, Noted { event_type, tenant, user }).await?;
    Ok(())
}

impl Named {
    /// The account that is meant, known or not.
    pub(super) fn account(&self, email: &str) -> Account {
        use common::auth::Scope;
        match self {
            Self::Scope(Scope::Tenant(tenant)) => Account::of(Some(*tenant), email),
            Self::Scope(Scope::All) => Account::of(None, email),
            Self::Nobody(domain) => Account::nowhere(domain, email),
        }
    }
}
