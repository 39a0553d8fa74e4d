//! Resources' facts, as the booking service needs them.

use std::sync::Arc;

use contracts::client::{ClientError, Clients};
use contracts::event::DirectoryEvent;
use contracts::facts::ResourceFacts;
use contracts::resource::ResourceStatus;
use scheduling::Weekly;
use uuid::Uuid;

use super::Near;
use crate::platform::Platform;
use crate::streams::WatchNews;

/// A resource, ready to decide by.
#[derive(Debug, Clone)]
pub struct Bookable {
    /// Its tenant.
    pub tenant_id: Uuid,
    /// Whether it can be booked.
    pub status: ResourceStatus,
    /// Its weekly hours.
    pub schedule: Weekly,
}

/// Resources' facts, near.
pub struct ResourceDirectory {
    clients: Clients,
    near: Arc<Near<Option<Arc<Bookable>>>>,
}

impl ResourceDirectory {
    /// A directory that hears the platform's events.
    pub fn new(platform: &Platform) -> Arc<Self> {
        let near = Near::new(100_000, platform.settings.facts_ttl);
        let dropped = Arc::clone(&near);
        platform.listen(move |news| match news {
            WatchNews::Lost => dropped.forget_all(),
            WatchNews::Event(event) => match DirectoryEvent::parse(&event.event_type) {
                Some(DirectoryEvent::ResourceUpdated | DirectoryEvent::ResourceDeleted) => {
                    dropped.forget(event.metadata.aggregate_id);
                }
                Some(DirectoryEvent::TenantDeleted) => dropped.forget_all(),
                Some(
                    DirectoryEvent::TenantUpdated
                    | DirectoryEvent::TenantSettingsChanged
                    | DirectoryEvent::UserUpdated
                    | DirectoryEvent::UserDeleted
                    | DirectoryEvent::CategoryUpdated,
                )
                | None => {}
            },
        });
        Arc::new(Self { clients: platform.clients.clone(), near })
    }

    /// A resource; `None` if there is none; an error if it cannot be verified.
    pub async fn find(&self, id: Uuid) -> Result<Option<Arc<Bookable>>, Arc<ClientError>> {
        let load = || async {
            let found = self.clients.resource(id).await?;
            Ok::<_, ClientError>(found.map(|facts| Arc::new(Bookable::from(facts))))
        };
        self.near.get(id, load).await
    }
}

impl From<ResourceFacts> for Bookable {
    fn from(facts: ResourceFacts) -> Self {
        let ResourceFacts { id: _, tenant_id, status, availability_schedule, version: _ } = facts;
        // Stored schedules were checked on write; one that no longer reads is closed, not open.
        let closed = serde_json::json!({ "monday": [] });
        let schedule = Weekly::parse(&availability_schedule)
            .or_else(|_| Weekly::parse(&closed))
            .unwrap_or_default();
        Self { tenant_id, status, schedule }
    }
}
