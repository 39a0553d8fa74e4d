//! Trades a refresh token for the next pair, once.

use chrono::{DateTime, TimeDelta, Utc};
use common::auth::Scope;
use contracts::authority::PLATFORM;
use contracts::security::{Security, SecurityEvent};

use super::super::Users;
use super::{Ended, Tokens, Why, secret};
use crate::error::Error;
use crate::store::refresh::RefreshToken;
use crate::store::session::{Ending, Session};
use crate::store::{self, Tx, User};

/// A used token that comes again so soon is a request beside the one that used it.
const BESIDE: TimeDelta = TimeDelta::seconds(1);
/// Until so long after its use a token gets the same successor again: the answer may have been lost.
const GRACE: TimeDelta = TimeDelta::seconds(10);

/// What became of a presented token.
enum Verdict {
    /// It goes on, with this successor.
    Goes(Box<(User, Session)>, String),
    /// Another request is trading it at this moment.
    Beside,
    /// It was traded before, by somebody else as it seems: the whole family is at an end.
    Reused(Ended),
    /// It is of no use any more.
    Bad,
}

/// What a used token is.
#[derive(Debug, PartialEq, Eq)]
enum Used {
    Beside,
    Again(String),
    Reused,
}

impl Users {
    /// Trades a refresh token.
    ///
    /// Of several requests with one token one wins, and holds the session's row meanwhile; the others
    /// are asked to come back ([`Error::RefreshInProgress`]), and nothing is lost: what the client got
    /// is good. See [`used`] for a token that comes again later.
    pub(crate) async fn refresh(&self, token: &str, trace_id: &str) -> Result<Tokens, Error> {
        let (hash, arrived) = (secret::hash(token), self.clock.now());
        // Looked at without a transaction first: a guess costs one read.
        let seen = store::refresh::find(&self.database.read(Scope::All), &hash).await?;
        let seen = seen.ok_or(Error::BadRefresh)?;
        if !self.takes_part(seen.tenant_id).await {
            return Err(Error::BadRefresh);
        }
        let traded = self.database.transact(Scope::Tenant(seen.tenant_id), async |tx| {
            let session = store::session::lock(&tx, seen.session_id).await?;
            let (Some(session), Some(row)) = (session, store::refresh::find(&*tx, &hash).await?)
            else {
                return Ok::<_, Error>(Verdict::Bad);
            };
            let now = self.clock.now();
            let Some(user) = self.bearer(&tx, &session, now).await? else {
                return Ok(Verdict::Bad);
            };
            let Some(used_at) = row.used_at else {
                return self.trade(&tx, token, &row, user, session).await;
            };
            let raced = seen.used_at.is_none();
            match used(raced, arrived - used_at, row.successor_nonce.as_deref()) {
                Used::Beside => Ok(Verdict::Beside),
                Used::Again(nonce) => {
                    let next = secret::successor(token, &nonce);
                    Ok(Verdict::Goes(Box::new((user, session)), next))
                }
                Used::Reused => self.reused(&tx, &session, trace_id).await,
            }
        });
        match traded.await? {
            Verdict::Goes(of, next) => self.tokens(&of.0, &of.1, next),
            Verdict::Beside => Err(Error::RefreshInProgress),
            Verdict::Bad => Err(Error::BadRefresh),
            Verdict::Reused(ended) => {
                self.sessions_ended(&ended);
                Err(Error::BadRefresh)
            }
        }
    }

    /// The user of a session that goes on, if both the user and whoever acts as the user still may.
    async fn bearer(
        &self,
        tx: &Tx,
        session: &Session,
        now: DateTime<Utc>,
    ) -> Result<Option<User>, Error> {
        if !session.goes_on(now) {
            return Ok(None);
        }
        if let Some(operator) = session.impersonator_id {
            let platform = Scope::Tenant(PLATFORM);
            let operator = store::find(&self.database.read(platform), platform, operator).await?;
            if !operator.is_some_and(|operator| operator.profile.is_active) {
                return Ok(None);
            }
        }
        let user = store::find(tx, Scope::Tenant(session.tenant_id), session.user_id).await?;
        Ok(user.filter(|user| user.profile.is_active))
    }

    /// The one time a token is traded. The session is locked.
    async fn trade(
        &self,
        tx: &Tx,
        token: &str,
        row: &RefreshToken,
        user: User,
        session: Session,
    ) -> Result<Verdict, Error> {
        let now = self.clock.now();
        if row.expires_at <= now {
            return Ok(Verdict::Bad);
        }
        let nonce = secret::nonce();
        if !store::refresh::spend(tx, row, now, &nonce).await? {
            return Ok(Verdict::Beside);
        }
        let next = secret::successor(token, &nonce);
        store::refresh::insert(tx, self.refresh_token(&session, &next)).await?;
        store::session::touch(tx, session.id, now).await?;
        Ok(Verdict::Goes(Box::new((user, session)), next))
    }

    async fn reused(&self, tx: &Tx, session: &Session, trace_id: &str) -> Result<Verdict, Error> {
        let about = Security {
            tenant_id: session.tenant_id,
            user_id: Some(session.user_id),
            session_id: Some(session.id),
            ..Security::default()
        };
        self.security(tx, SecurityEvent::RefreshReused, &about, trace_id).await?;
        let family = [session.id];
        let ending = Ending::These(&family);
        let ended = self.end_sessions(tx, ending, Why::RefreshReused, trace_id).await?;
        Ok(Verdict::Reused(ended))
    }
}

/// What a token is that was used `age` before this request arrived. `raced`: it was not used yet when
/// this request looked. `nonce`: there as long as its successor was not used.
///
/// Within [`GRACE`] the identical successor is handed out again, for a client whose answer was lost;
/// not before [`BESIDE`], so that of parallel requests one alone succeeds.
fn used(raced: bool, age: TimeDelta, nonce: Option<&str>) -> Used {
    match nonce {
        _ if raced => Used::Beside,
        Some(_) if age < BESIDE => Used::Beside,
        Some(nonce) if age <= GRACE => Used::Again(nonce.to_owned()),
        Some(_) | None => Used::Reused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_token_is_judged_by_its_age_and_by_what_became_of_its_successor() {
        let judge =
            |raced, milliseconds, nonce| used(raced, TimeDelta::milliseconds(milliseconds), nonce);
        let again = || Used::Again("n".to_owned());
        for (milliseconds, expected) in [
            (-5_000, Used::Beside),
            (0, Used::Beside),
            (999, Used::Beside),
            (1_000, again()),
            (10_000, again()),
            (10_001, Used::Reused),
        ] {
            assert_eq!(judge(false, milliseconds, Some("n")), expected, "{milliseconds} ms");
            assert_eq!(judge(false, milliseconds, None), Used::Reused, "the successor was used");
            assert_eq!(judge(true, milliseconds, Some("n")), Used::Beside, "the race was lost");
        }
    }
}
