//! What the booking service hears: deletions of tenants, users and resources, erasures of users. What it publishes is
//! in `contracts::event` and stands with each use case.

use std::sync::Arc;

use async_trait::async_trait;
use common::platform::Platform;
use common::streams::{Handler, HandlerError, Subscription};
use contracts::Service;
use contracts::event::{DirectoryEvent, Envelope};
use contracts::security::SecurityEvent;
use sea_orm::DatabaseTransaction;

use crate::app::Bookings;
use crate::store::Gone;

/// The subscription of the booking service.
pub(crate) fn subscription(platform: &Platform, bookings: Bookings) -> Subscription {
    Subscription {
        consumer: "booking-service",
        stream: platform.directory_stream(),
        sources: vec![Service::Tenant, Service::User, Service::Resource],
        handler: Arc::new(Deletions { bookings }),
    }
}

struct Deletions {
    bookings: Bookings,
}

#[async_trait]
impl Handler for Deletions {
    async fn apply(&self, tx: &DatabaseTransaction, event: &Envelope) -> Result<(), HandlerError> {
        let metadata = &event.metadata;
        let (tenant, id) = (metadata.tenant_id, metadata.aggregate_id);
        let erased = SecurityEvent::parse(&event.event_type) == Some(SecurityEvent::UserErased);
        let gone = match DirectoryEvent::parse(&event.event_type) {
            None if erased => Gone::Erased,
            Some(DirectoryEvent::TenantDeleted) => Gone::Tenant,
            Some(DirectoryEvent::UserDeleted) => Gone::User,
            Some(DirectoryEvent::ResourceDeleted) => Gone::Resource,
            Some(
                DirectoryEvent::TenantUpdated
                | DirectoryEvent::TenantSettingsChanged
                | DirectoryEvent::UserUpdated
                | DirectoryEvent::ResourceCreated
                | DirectoryEvent::ResourceUpdated
                | DirectoryEvent::CategoryUpdated
                | DirectoryEvent::ExceptionChanged,
            )
            | None => return Ok(()),
        };
        self.bookings.remove(tx, gone, tenant, id, &metadata.trace_id).await?;
        Ok(())
    }

    async fn committed(&self, events: &[Envelope]) {
        self.bookings.relay.wake();
        for Envelope { event_type, metadata, .. } in events {
            // It may have more places, or other hours.
            if DirectoryEvent::parse(event_type) == Some(DirectoryEvent::ResourceUpdated) {
                self.bookings.freed.mark(metadata.tenant_id, metadata.aggregate_id);
            }
        }
    }
}
