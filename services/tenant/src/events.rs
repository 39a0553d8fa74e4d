//! What this service publishes: `tenant.updated`, `tenant.settings_changed` and `tenant.deleted` on
//! `directory-events`. It subscribes to nothing.

use common::streams::Draft;
use contracts::event::DirectoryEvent;
use uuid::Uuid;

/// The log entry of `event`, after which the tenant is at `version`.
pub(crate) fn draft(event: DirectoryEvent, tenant: Uuid, version: i64) -> Draft {
    Draft {
        tenant_id: tenant,
        aggregate_id: tenant,
        sequence: version,
        event_type: event.event_type(),
        payload: event.payload(tenant, tenant),
    }
}
