//! What follows for sessions and for auditors when a user is changed.

use common::auth::Caller;
use contracts::security::{Security, SecurityEvent};

use super::super::Users;
use super::{Ended, Why};
use crate::error::Error;
use crate::store::session::Ending;
use crate::store::{Tx, User};

impl Users {
    /// Tells of a change of authority or password, and ends the sessions that must not outlive it: all
    /// of a user who may not act any more; all but the caller's own when the password is another.
    pub(in crate::app) async fn followed(
        &self,
        tx: &Tx,
        caller: &Caller,
        before: &User,
        after: &User,
        trace_id: &str,
    ) -> Result<Ended, Error> {
        let by = caller.user_id().filter(|by| *by != after.id);
        let about = Security {
            tenant_id: after.profile.tenant_id,
            user_id: Some(after.id),
            by,
            ..Security::default()
        };
        if let Some(reason) = authority(before, after) {
            let about = Security { reason: Some(reason.to_owned()), ..about.clone() };
            self.security(tx, SecurityEvent::PermissionsChanged, &about, trace_id).await?;
        }
        let mut ended = Ended::none();
        if before.profile.is_active && !after.profile.is_active {
            let all = Ending::User { id: after.id, except: None };
            ended = self.end_sessions(tx, all, Why::UserDeactivated, trace_id).await?;
        }
        if before.password_hash != after.password_hash {
            let own = caller.session().filter(|_| caller.is(after.id)).map(|session| session.id);
            let more = self.password_replaced(tx, after, by, own, trace_id).await?;
            ended = ended.and(more);
        }
        Ok(ended)
    }
}

/// What of a user's authority is another, in a word.
fn authority(before: &User, after: &User) -> Option<&'static str> {
    let (before, after) = (&before.profile, &after.profile);
    if before.is_active != after.is_active {
        return Some(if after.is_active { "activated" } else { "deactivated" });
    }
    if before.user_type != after.user_type {
        return Some("user_type");
    }
    let same = before.permissions == after.permissions && before.preset == after.preset;
    (!same).then_some("permissions")
}
