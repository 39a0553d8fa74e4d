//! Ends sessions: the one way, whatever the cause.

use common::auth::Scope;
use contracts::security::{Security, SecurityEvent};
use uuid::Uuid;

use super::super::Users;
use super::{Person, secret};
use crate::error::Error;
use crate::events;
use crate::store::session::Ending;
use crate::store::{self, DbErr, Tx};

/// Why sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The user signed out, here or everywhere.
    SignedOut,
    /// The user ended it from another session.
    EndedByUser,
    /// A refresh token was used twice.
    RefreshReused,
    /// The user has too many.
    TooMany,
    /// The user has another password.
    PasswordChanged,
    /// The user may not act any more.
    UserDeactivated,
    /// The user is gone.
    UserDeleted,
    /// The tenant is gone.
    TenantDeleted,
}

impl Why {
    /// The stored word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::EndedByUser => "ended_by_user",
            Self::RefreshReused => "refresh_reused",
            Self::TooMany => "too_many",
            Self::PasswordChanged => "password_changed",
            Self::UserDeactivated => "user_deactivated",
            Self::UserDeleted => "user_deleted",
            Self::TenantDeleted => "tenant_deleted",
        }
    }
}

/// Sessions that end with a transaction. Once it is committed: [`Users::sessions_ended`].
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Ended(Vec<Uuid>);

impl Ended {
    /// None at all.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// These and the others.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }
}

impl Users {
    /// Ends sessions and tells of each, in the caller's transaction. Their refresh tokens are of no
    /// use from then on, and their access tokens as soon as a service has heard.
    pub(crate) async fn end_sessions(
        &self,
        tx: &Tx,
        which: Ending<'_>,
        why: Why,
        trace_id: &str,
    ) -> Result<Ended, DbErr> {
        let ended = store::session::end(tx, which, self.clock.now(), why.as_str()).await?;
        let told = ended.iter().map(|session| {
            let about = Security {
                tenant_id: session.tenant_id,
                user_id: Some(session.user_id),
                session_id: Some(session.id),
                reason: Some(why.as_str().to_owned()),
                ..Security::default()
            };
            events::security(SecurityEvent::SessionEnded, &about)
        });
        let drafts: Vec<_> = told.collect();
        self.outbox.append(tx, trace_id, &drafts).await?;
        Ok(Ended(ended.into_iter().map(|session| session.id).collect()))
    }

    /// After the commit: this process knows at once, and the others shortly after.
    pub(crate) fn sessions_ended(&self, ended: &Ended) {
        for session in &ended.0 {
            self.people.forget_session(*session);
        }
        self.relay.wake();
    }

    /// Ends the session of an access token, of a refresh token, or of both. Nothing to end is fine.
    pub(crate) async fn sign_out(
        &self,
        session: Option<Uuid>,
        refresh: Option<&str>,
        trace_id: &str,
    ) -> Result<(), Error> {
        let mut sessions = Vec::from_iter(session);
        if let Some(token) = refresh {
            let db = self.database.read(Scope::All);
            let found = store::refresh::find(&db, &secret::hash(token)).await?;
            sessions.extend(found.map(|token| token.session_id));
        }
        if sessions.is_empty() {
            return Ok(());
        }
        // Two credentials may be of two tenants; whose they are, they prove.
        let these = Ending::These(&sessions);
        self.end(Scope::All, these, Why::SignedOut, trace_id).await.map(drop)
    }

    /// Ends every session of a person.
    pub(crate) async fn sign_out_everywhere(
        &self,
        person: Person,
        trace_id: &str,
    ) -> Result<(), Error> {
        let all = Ending::User { id: person.id, except: None };
        self.end(person.scope(), all, Why::SignedOut, trace_id).await.map(drop)
    }

    /// Ends one session of a person.
    pub(crate) async fn end_session(
        &self,
        person: Person,
        id: Uuid,
        trace_id: &str,
    ) -> Result<(), Error> {
        let own = Ending::Own { id, user: person.id };
        let count = self.end(person.scope(), own, Why::EndedByUser, trace_id).await?;
        if count == 0 { Err(Error::UnknownSession) } else { Ok(()) }
    }

    async fn end(
        &self,
        scope: Scope,
        which: Ending<'_>,
        why: Why,
        trace_id: &str,
    ) -> Result<usize, Error> {
        let ended = self.database.transact(scope, async |tx| {
            self.end_sessions(&tx, which, why, trace_id).await.map_err(Error::from)
        });
        let ended = ended.await?;
        self.sessions_ended(&ended);
        Ok(ended.0.len())
    }
}
