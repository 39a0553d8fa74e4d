//! Begins a session, where somebody has proved to be a user.

use common::auth::Scope;
use contracts::security::{Security, SecurityEvent};
use contracts::session::TokenView;

use super::super::Users;
use super::{Client, Ended, LIFE, MOST, REFRESH_LIFE, Why, secret};
use crate::error::Error;
use crate::store::refresh::RefreshToken;
use crate::store::session::{Ending, Session};
use crate::store::{self, Tx, User};

/// What a client goes on with. There is no `Debug`: both are secrets.
pub(crate) struct Tokens {
    /// The answer, with the access token.
    pub(crate) view: TokenView,
    /// What it can be traded for the next pair with.
    pub(crate) refresh: String,
}

impl Users {
    /// Begins a session of a user whose password was good a moment ago. One too many ends the oldest.
    pub(in crate::app) async fn open_session(
        &self,
        user: &User,
        client: &Client,
        trace_id: &str,
    ) -> Result<Tokens, Error> {
        let refresh = secret::fresh();
        let own = Scope::Tenant(user.profile.tenant_id);
        let opened = self.database.transact(own, async |tx| {
            let current = store::lock(&tx, own, user.id).await?;
            let current = current.filter(|current| still_good(user, current));
            let user = current.ok_or(Error::BadCredentials)?;
            let session = self.begin(&tx, &user, client, &refresh).await?;
            let about = Security {
                tenant_id: session.tenant_id,
                user_id: Some(user.id),
                session_id: Some(session.id),
                network: client.network(),
                ..Security::default()
            };
            self.security(&tx, SecurityEvent::SignedIn, &about, trace_id).await?;
            let surplus = store::session::surplus(&tx, user.id, session.created_at, MOST).await?;
            let ended = match surplus.as_slice() {
                [] => Ended::none(),
                ids => self.end_sessions(&tx, Ending::These(ids), Why::TooMany, trace_id).await?,
            };
            Ok::<_, Error>((user, session, ended))
        });
        let (user, session, ended) = opened.await?;
        self.sessions_ended(&ended);
        self.tokens(&user, &session, refresh)
    }

    async fn begin(
        &self,
        tx: &Tx,
        user: &User,
        client: &Client,
        refresh: &str,
    ) -> Result<Session, Error> {
        let now = self.clock.now();
        let session = Session {
            id: self.ids.next(),
            tenant_id: user.profile.tenant_id,
            user_id: user.id,
            created_at: now,
            last_used_at: now,
            expires_at: now + LIFE,
            ended_at: None,
            ended_reason: None,
            user_agent: client.user_agent(),
            ip: client.address(),
            impersonator_id: None,
        };
        store::session::insert(tx, session.clone()).await?;
        store::refresh::insert(tx, self.refresh_token(&session, refresh)).await?;
        Ok(session)
    }

    /// The row of a new refresh token of a session: it lives no longer than the session may.
    pub(super) fn refresh_token(&self, session: &Session, token: &str) -> RefreshToken {
        let now = self.clock.now();
        RefreshToken {
            id: self.ids.next(),
            session_id: session.id,
            tenant_id: session.tenant_id,
            token_hash: secret::hash(token),
            issued_at: now,
            expires_at: session.expires_at.min(now + REFRESH_LIFE),
            used_at: None,
            successor_nonce: None,
        }
    }

    /// A fresh access token of a session, and its refresh token.
    pub(super) fn tokens(
        &self,
        user: &User,
        session: &Session,
        refresh: String,
    ) -> Result<Tokens, Error> {
        let signed = self.signer.sign(user, session.claim(), self.clock.now(), self.ids.next());
        let view = TokenView {
            access_token: signed.map_err(|error| Error::Signing(error.to_string()))?,
            token_type: "bearer".to_owned(),
            expires_in: self.signer.ttl_seconds(),
            refresh_token: None,
        };
        Ok(Tokens { view, refresh })
    }
}

/// Whether what was proved of `seen` still holds of `current`. Another hash of the same password, made
/// at a sign-in beside this one, is no change of the user.
fn still_good(seen: &User, current: &User) -> bool {
    let same = current.password_hash == seen.password_hash || current.version == seen.version;
    current.profile.is_active && same
}
