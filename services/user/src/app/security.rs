//! What follows when somebody's credentials change, and who is told.

use common::streams::Draft;
use contracts::security::{Security, SecurityEvent};
use uuid::Uuid;

use super::Users;
use crate::store::{DbErr, Tx};

impl Users {
    /// Tells of a security event when the transaction is committed. It changes no version, so its
    /// sequence is 0.
    pub(super) async fn security(
        &self,
        tx: &Tx,
        trace_id: &str,
        event: SecurityEvent,
        about: &Security,
    ) -> Result<(), DbErr> {
        let draft = Draft {
            tenant_id: about.tenant_id,
            aggregate_id: about.aggregate_id(),
            sequence: 0,
            event_type: event.event_type(),
            payload: about.payload(),
        };
        self.outbox.append(tx, trace_id, &[draft]).await
    }
}

/// Ends the sessions of a user.
///
/// SEAM: sessions cannot be ended yet. Every change of a password calls this, inside its transaction,
/// and nothing else has to be changed there.
pub(super) async fn end_sessions(_tx: &Tx, user: Uuid, reason: &'static str) -> Result<(), DbErr> {
    tracing::debug!(user_id = %user, reason, "sessions end");
    Ok(())
}
