//! Lets an operator act as a user, visibly.

use chrono::TimeDelta;
use common::auth::{Principal, Scope};
use common::providers::SettingsError;
use contracts::security::{Security, SecurityEvent};
use contracts::session::{Impersonate, TokenView};
use uuid::Uuid;

use super::Users;
use super::key::IMPERSONATION;
use crate::error::Error;
use crate::events::security;
use crate::store::session::Session;
use crate::store::{self, User};

impl Users {
    /// An access token of the user for the operator, and a session the user can see and end.
    pub(crate) async fn impersonate(
        &self,
        principal: &Principal,
        wanted: Impersonate,
        trace_id: &str,
    ) -> Result<TokenView, Error> {
        // A developer is nobody who could be named, and whoever acts as a user acts as no other.
        let Principal::Operator(operator) = principal else { return Err(Error::NotAllowed) };
        let found =
            store::find(&self.database.read(Scope::All), Scope::All, wanted.user_id).await?;
        let user = found.ok_or(Error::Unknown)?;
        self.can_act(&user).await?;
        let session = self.borrowed(&user, operator.user_id);
        let about = Security {
            tenant_id: session.tenant_id,
            user_id: Some(user.id),
            by: Some(operator.user_id),
            session_id: Some(session.id),
            reason: Some(wanted.reason),
            ..Security::default()
        };
        let event = security(SecurityEvent::ImpersonationStarted, &about);
        let begun = self.database.transact(Scope::Tenant(session.tenant_id), async |tx| {
            store::session::insert(&tx, session.clone()).await?;
            let told = self.outbox.append(&*tx, trace_id, std::slice::from_ref(&event));
            Ok::<_, Error>(told.await?)
        });
        begun.await?;
        self.relay.wake();
        tracing::info!(operator_id = %operator.user_id, user_id = %user.id, "impersonation started");
        let signed = self.signer.sign(&user, session.claim(), self.clock.now(), self.ids.next());
        Ok(TokenView {
            access_token: signed.map_err(|error| Error::Signing(error.to_string()))?,
            token_type: "bearer".to_owned(),
            expires_in: self.signer.life(&session.claim()).as_secs(),
            refresh_token: None,
        })
    }

    /// A session of the user that is the operator's.
    fn borrowed(&self, user: &User, operator: Uuid) -> Session {
        let now = self.clock.now();
        Session {
            id: self.ids.next(),
            tenant_id: user.profile.tenant_id,
            user_id: user.id,
            created_at: now,
            last_used_at: now,
            expires_at: now + TimeDelta::from_std(IMPERSONATION).unwrap_or(TimeDelta::zero()),
            ended_at: None,
            ended_reason: None,
            user_agent: None,
            ip: None,
            impersonator_id: Some(operator),
        }
    }

    /// Nobody can do as another what the other could not do now.
    async fn can_act(&self, user: &User) -> Result<(), Error> {
        match self.tenants.settings(user.profile.tenant_id).await {
            Ok(rules) if rules.is_active && user.profile.is_active => Ok(()),
            Ok(_) | Err(SettingsError::Unknown) => Err(Error::NotImpersonable),
            Err(error @ (SettingsError::Unreachable(_) | SettingsError::Garbage(_))) => {
                Err(Error::TenantUnverified(error.to_string()))
            }
        }
    }
}
