//! Security events on their way into the log of events.

use common::auth::Caller;
use common::streams::Draft;
use contracts::security::{Security, SecurityEvent};
use uuid::Uuid;

/// The log entry of `event`. Most are about what has no versions of its own: the sequence is 1.
pub(crate) fn draft(event: SecurityEvent, about: &Security) -> Draft {
    Draft {
        tenant_id: about.tenant_id,
        aggregate_id: about.aggregate_id(),
        sequence: 1,
        event_type: event.event_type(),
        payload: about.payload(),
    }
}

/// Who really does what `caller` does: the operator, where one acts as a user.
pub(super) fn doer(caller: &Caller) -> Option<Uuid> {
    match caller {
        Caller::Developer => None,
        Caller::User(identity) => {
            let operator = identity.session().and_then(|session| session.impersonator);
            Some(operator.unwrap_or(identity.user_id))
        }
    }
}
