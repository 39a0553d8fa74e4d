//! What this service publishes: `user.updated`, `user.deleted` and the events of security, all on
//! `directory-events`. What it hears: `tenant.deleted`, on which the tenant's users and API keys go.

use std::sync::Arc;

use async_trait::async_trait;
use common::Platform;
use common::streams::{Draft, Handler, HandlerError, Subscription};
use contracts::Service;
use contracts::event::{DirectoryEvent, Envelope};
use contracts::security::{Security, SecurityEvent};
use uuid::Uuid;

use crate::app::{Users, Why};
use crate::store::session::{self, Ending};
use crate::store::{self, DbErr, Tx};

/// The log entry of `event`, after which the user is at `version`.
pub(crate) fn draft(event: DirectoryEvent, tenant: Uuid, user: Uuid, version: i64) -> Draft {
    Draft {
        tenant_id: tenant,
        aggregate_id: user,
        sequence: version,
        event_type: event.event_type(),
        payload: event.payload(tenant, user),
    }
}

/// The log entry of a security event. It is no version of anything, so its sequence is 0.
pub(crate) fn security(event: SecurityEvent, about: &Security) -> Draft {
    Draft {
        tenant_id: about.tenant_id,
        aggregate_id: about.aggregate_id(),
        sequence: 0,
        event_type: event.event_type(),
        payload: about.payload(),
    }
}

impl Users {
    /// Tells the auditors, in the transaction of what happened.
    pub(crate) async fn security(
        &self,
        tx: &Tx,
        event: SecurityEvent,
        about: &Security,
        trace_id: &str,
    ) -> Result<(), DbErr> {
        self.outbox.append(tx, trace_id, &[security(event, about)]).await
    }
}

/// What the service wants to hear.
pub(crate) fn subscriptions(platform: &Platform, users: &Users) -> Vec<Subscription> {
    vec![Subscription {
        consumer: "user-service",
        stream: platform.directory_stream(),
        sources: vec![Service::Tenant],
        handler: Arc::new(TenantGone { users: users.clone() }),
    }]
}

/// Lets the users of a deleted tenant go, and tells of each: their tokens stop at once everywhere.
struct TenantGone {
    users: Users,
}

#[async_trait]
impl Handler for TenantGone {
    async fn apply(&self, tx: &Tx, event: &Envelope) -> Result<(), HandlerError> {
        if DirectoryEvent::parse(&event.event_type) != Some(DirectoryEvent::TenantDeleted) {
            return Ok(());
        }
        let tenant = event.metadata.aggregate_id;
        let gone = store::delete_of_tenant(tx, tenant).await?;
        store::api_key::delete_of_tenant(tx, tenant).await?;
        let drafts: Vec<Draft> = gone
            .into_iter()
            .map(|(user, version)| draft(DirectoryEvent::UserDeleted, tenant, user, version + 1))
            .collect();
        let trace_id = &event.metadata.trace_id;
        self.users.outbox.append(tx, trace_id, &drafts).await?;
        let all = Ending::Tenant(tenant);
        // This process hears of it like the others, by the events.
        let _heard = self.users.end_sessions(tx, all, Why::TenantDeleted, trace_id).await?;
        session::forget_clients(tx, all).await?;
        Ok(())
    }

    async fn committed(&self, _: &[Envelope]) {
        self.users.relay.wake();
    }
}
