//! What the directory publishes, and what it listens to.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use common::platform::Platform;
use common::providers::Snapshots;
use common::streams::{Draft, Handler, HandlerError, Subscription, WatchNews};
use contracts::Service;
use contracts::event::{BookingEvent, DirectoryEvent, Envelope};
use futures_util::future::join_all;
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use crate::app::Availability;
use crate::store::{Category, Exception, Resource, categories, exceptions, resources};

/// The consumer group, also the name of the checkpoints.
const CONSUMER: &str = "resource-service";

/// A resource changed.
pub(crate) fn resource_updated(resource: &Resource) -> Draft {
    let Resource { id, tenant_id, version, .. } = *resource;
    draft(DirectoryEvent::ResourceUpdated, tenant_id, id, version)
}

/// A resource is gone; its last version is one more than the stored one.
pub(crate) fn resource_deleted(resource: &Resource) -> Draft {
    let Resource { id, tenant_id, version, .. } = *resource;
    draft(DirectoryEvent::ResourceDeleted, tenant_id, id, version + 1)
}

/// A category changed.
pub(crate) fn category_updated(category: &Category) -> Draft {
    let Category { id, tenant_id, version, .. } = *category;
    draft(DirectoryEvent::CategoryUpdated, tenant_id, id, version)
}

/// An exception was made or changed.
pub(crate) fn exception_changed(exception: &Exception) -> Draft {
    let Exception { id, tenant_id, version, .. } = *exception;
    draft(DirectoryEvent::ExceptionChanged, tenant_id, id, version)
}

/// An exception is gone; its last version is one more than the stored one.
pub(crate) fn exception_deleted(exception: &Exception) -> Draft {
    let Exception { id, tenant_id, version, .. } = *exception;
    draft(DirectoryEvent::ExceptionChanged, tenant_id, id, version + 1)
}

fn draft(event: DirectoryEvent, tenant_id: Uuid, id: Uuid, sequence: i64) -> Draft {
    Draft {
        tenant_id,
        aggregate_id: id,
        sequence,
        event_type: event.event_type(),
        payload: event.payload(tenant_id, id),
    }
}

/// Lets every replica drop the answers that an event concerns.
pub(crate) fn listen(platform: &Platform, availability: &Arc<Availability>) {
    let availability = Arc::clone(availability);
    platform.listen(move |news| match news {
        WatchNews::Lost => availability.lost(),
        WatchNews::Event(event) => hear(&availability, event),
    });
}

fn hear(availability: &Arc<Availability>, event: &Envelope) {
    if event.metadata.source == Service::Booking {
        for resource in BookingEvent::resources(event) {
            availability.bookings_changed_soon(resource);
        }
        return;
    }
    match DirectoryEvent::parse(&event.event_type) {
        Some(DirectoryEvent::ResourceUpdated | DirectoryEvent::ResourceDeleted) => {
            availability.resource_changed(event.metadata.aggregate_id);
        }
        Some(
            DirectoryEvent::TenantUpdated
            | DirectoryEvent::TenantSettingsChanged
            | DirectoryEvent::TenantDeleted
            | DirectoryEvent::CategoryUpdated
            | DirectoryEvent::ExceptionChanged,
        ) => availability.tenant_changed(event.metadata.tenant_id),
        Some(DirectoryEvent::UserUpdated | DirectoryEvent::UserDeleted) | None => {}
    }
}

/// What one replica does for all: bookings drop shared availability, a deleted tenant's directory goes.
pub(crate) fn subscriptions(
    platform: &Platform,
    availability: Arc<Availability>,
    snapshots: Snapshots,
) -> Vec<Subscription> {
    let handler: Arc<dyn Handler> = Arc::new(Effects { availability, snapshots });
    let subscribe = |source: Service| Subscription {
        consumer: CONSUMER,
        stream: platform.stream_of(source),
        sources: vec![source],
        handler: Arc::clone(&handler),
    };
    vec![subscribe(Service::Booking), subscribe(Service::Tenant)]
}

struct Effects {
    availability: Arc<Availability>,
    snapshots: Snapshots,
}

#[async_trait]
impl Handler for Effects {
    async fn apply(&self, tx: &DatabaseTransaction, event: &Envelope) -> Result<(), HandlerError> {
        if is_tenant_deleted(event) {
            // No event for each: who keeps something of a tenant hears of the tenant.
            exceptions::purge(tx, event.metadata.tenant_id).await?;
            resources::purge(tx, event.metadata.tenant_id).await?;
            categories::purge(tx, event.metadata.tenant_id).await?;
        }
        Ok(())
    }

    async fn committed(&self, events: &[Envelope]) {
        let mut changed = BTreeSet::new();
        for event in events {
            let (source, tenant) = (event.metadata.source, event.metadata.tenant_id);
            if source == Service::Booking {
                changed.extend(BookingEvent::resources(event));
            } else if is_tenant_deleted(event) {
                if let Err(error) = self.snapshots.forget(tenant).await {
                    tracing::warn!(%error, "could not forget the settings of a deleted tenant");
                }
                self.availability.tenant_changed(tenant);
            } else if source == Service::Tenant {
                self.availability.tenant_changed(tenant);
            }
        }
        // At once: a shared cache that hangs must not hold the events up one by one.
        join_all(changed.into_iter().map(|id| self.availability.bookings_changed(id))).await;
    }
}

fn is_tenant_deleted(event: &Envelope) -> bool {
    DirectoryEvent::parse(&event.event_type) == Some(DirectoryEvent::TenantDeleted)
}
