//! What follows when somebody's credentials change, and who is told. The one place for both.

use contracts::event::DIRECTORY_STREAM;
use uuid::Uuid;

use crate::store::{DbErr, Tx};

/// Something an auditor wants to know. Never a secret, never an address.
#[derive(Clone, Copy)]
pub(super) struct Noted {
    /// `security.password_changed`, …
    pub(super) event_type: &'static str,
    /// Whose tenant; nil where none is known.
    pub(super) tenant: Uuid,
    /// Whom it is about; `None` where there is no such user.
    pub(super) user: Option<Uuid>,
}

/// Tells of `noted` when the transaction is committed.
///
/// SEAM: becomes a row of the outbox as soon as `contracts::event` has security events. Until then a
/// debug line says what would be told.
#[expect(clippy::unused_async, reason = "will write to the outbox of the transaction")]
pub(super) async fn security(_tx: &Tx, noted: Noted) -> Result<(), DbErr> {
    let Noted { event_type, tenant, user } = noted;
    let user = user.map(tracing::field::display);
    tracing::debug!(stream = DIRECTORY_STREAM, event_type, tenant_id = %tenant, user_id = user, "noted");
    Ok(())
}

/// Ends the sessions of a user.
///
/// SEAM: there are no sessions to end yet; access tokens run out by themselves. Every change of a
/// password calls this inside its transaction.
#[expect(clippy::unused_async, reason = "will write to the sessions of the transaction")]
pub(super) async fn end_sessions(_tx: &Tx, user: Uuid, reason: &'static str) -> Result<(), DbErr> {
    tracing::debug!(user_id = %user, reason, "sessions end");
    Ok(())
}
