//! What the directory publishes, and what it listens to.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use common::platform::Platform;
use common::providers::Snapshots;
use common::streams::{Draft, Handler, HandlerError, Subscription, WatchNews};
use contracts::Service;
use contracts::event::{BookingEvent, DirectoryEvent, Envelope};
use futures_util::future::join_all;
use sea_orm::DatabaseTransaction;
use serde_json::Value;
use uuid::Uuid;

use crate::app::{Availability, Change, Changes, Search};
use crate::store::{Category, Exception, Resource, categories, exceptions, resources};

/// The consumer group, also the name of the checkpoints.
const CONSUMER: &str = "resource-service";

/// A resource was made.
pub(crate) fn resource_created(resource: &Resource) -> Draft {
    let Resource { id, tenant_id, version, .. } = *resource;
    draft(DirectoryEvent::ResourceCreated, tenant_id, id, version)
}

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

/// Who has to hear of changes, at every replica.
#[derive(Clone)]
pub(crate) struct Ears {
    pub(crate) availability: Arc<Availability>,
    pub(crate) search: Arc<Search>,
    pub(crate) changes: Arc<Changes>,
}

/// Lets every replica drop the answers that an event concerns, and tell of it.
pub(crate) fn listen(platform: &Platform, ears: Ears) {
    platform.listen_to_bookings(move |news| match news {
        WatchNews::Lost => {
            ears.availability.lost();
            ears.search.lost();
            ears.changes.lost();
        }
        WatchNews::Event(event) => ears.hear(event),
    });
}

impl Ears {
    fn hear(&self, event: &Envelope) {
        let tenant = event.metadata.tenant_id;
        if event.metadata.source == Service::Booking {
            for resource in BookingEvent::resources(event) {
                self.search.bookings_changed(tenant, resource);
                let (changes, what) = (Arc::clone(&self.changes), changed(event));
                let tell = move || {
                    if let Some(what) = what {
                        changes.tell(resource, &what);
                    }
                };
                self.availability.bookings_changed_soon(resource, tell);
            }
            return;
        }
        let id = event.metadata.aggregate_id;
        match DirectoryEvent::parse(&event.event_type) {
            Some(DirectoryEvent::ResourceCreated) => self.search.directory_changed(tenant),
            Some(DirectoryEvent::ResourceUpdated | DirectoryEvent::ResourceDeleted) => {
                self.availability.resource_changed(id);
                self.search.directory_changed(tenant);
                self.changes.tell(id, &Change::Everything);
            }
            Some(
                DirectoryEvent::TenantUpdated
                | DirectoryEvent::TenantSettingsChanged
                | DirectoryEvent::TenantDeleted
                | DirectoryEvent::CategoryUpdated
                | DirectoryEvent::ExceptionChanged,
            ) => {
                self.availability.tenant_changed(tenant);
                self.search.directory_changed(tenant);
                self.changes.tell_tenant(tenant);
            }
            Some(DirectoryEvent::UserUpdated | DirectoryEvent::UserDeleted) | None => {}
        }
    }
}

/// What an event of a booking changes of its resources' days; `None`: nothing.
fn changed(event: &Envelope) -> Option<Change> {
    let time = |value: Option<&Value>| {
        value.and_then(Value::as_str).and_then(|text| text.parse::<DateTime<Utc>>().ok())
    };
    let payload = &event.payload;
    let own = [time(payload.get("start_time")), time(payload.get("end_time"))];
    if let [Some(start), Some(end)] = own {
        return Some(Change::Times(vec![(start, end)]));
    }
    let changes = payload.get("changes")?;
    let named = ["start_time", "end_time", "resource_id", "status", "quantity"];
    if !named.iter().any(|name| changes.get(name).is_some()) {
        return None;
    }
    let side = |side: &str| {
        let at = |name: &str| time(changes.get(name).and_then(|change| change.get(side)));
        Some((at("start_time")?, at("end_time")?))
    };
    match (side("old"), side("new")) {
        (Some(old), Some(new)) => Some(Change::Times(vec![old, new])),
        // It does not say when the booking is.
        (Some(_) | None, _) => Some(Change::Everything),
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
