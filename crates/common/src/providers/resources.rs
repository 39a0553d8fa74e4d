//! Resources' facts, as the booking service needs them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use contracts::client::{ClientError, Clients};
use contracts::event::{DirectoryEvent, Envelope};
use contracts::exception::exceptions;
use contracts::facts::ResourceFacts;
use contracts::policy::{BookingPolicy, ResolvedPolicy, resolve};
use contracts::resource::ResourceStatus;
use scheduling::{Capacity, Exceptions, Weekly};
use uuid::Uuid;

use super::{Epochs, Near};
use crate::clock::Clock;
use crate::db::Scope;
use crate::platform::Platform;
use crate::streams::WatchNews;

/// How often facts are asked for that a change of their tenant's calendar overtakes. The last ones were
/// asked for after the question for them came.
const ATTEMPTS: usize = 3;

/// A resource, ready to decide by.
#[derive(Debug, Clone)]
pub struct Bookable {
    /// The resource.
    pub id: Uuid,
    /// Its tenant.
    pub tenant_id: Uuid,
    /// Its name.
    pub name: String,
    /// Its category.
    pub category_id: Uuid,
    /// Whether it can be booked.
    pub status: ResourceStatus,
    /// Its weekly hours.
    pub schedule: Weekly,
    /// The days that are not like the others.
    pub exceptions: Exceptions,
    /// How many bookings it takes at one instant.
    pub capacity: Capacity,
    /// What it holds, whether bookings share it or not.
    pub size: u32,
    /// Grows with every change of the resource itself.
    pub version: i64,
    /// When its owner was asked for all this.
    pub asked_at: DateTime<Utc>,
    own: BookingPolicy,
    category: BookingPolicy,
}

impl Bookable {
    /// What holds for its bookings, by the tenant's policy too.
    pub fn policy(&self, tenant: &BookingPolicy) -> ResolvedPolicy {
        resolve(tenant, &self.category, &self.own, self.capacity)
    }
}

/// Resources' facts, near.
pub struct ResourceDirectory {
    clients: Clients,
    clock: Arc<dyn Clock>,
    near: Arc<Near<Option<Arc<Known>>>>,
    /// Of tenants: raised by what concerns many of their resources.
    calendars: Arc<Epochs>,
}

/// A resource, and its tenant's epoch when it was asked for.
struct Known {
    bookable: Arc<Bookable>,
    epoch: u64,
}

impl ResourceDirectory {
    /// A directory that hears the platform's events.
    pub fn new(platform: &Platform) -> Arc<Self> {
        let near = Near::new(100_000, platform.settings.facts_ttl);
        let calendars = Arc::new(Epochs::new());
        let (clients, clock) = (platform.clients.clone(), Arc::clone(&platform.clock));
        let this = Arc::new(Self { clients, clock, near, calendars });
        let heard = Arc::clone(&this);
        platform.listen(move |news| match news {
            WatchNews::Lost => heard.near.forget_all(),
            WatchNews::Event(event) => heard.hear(event),
        });
        this
    }

    fn hear(&self, event: &Envelope) {
        let metadata = &event.metadata;
        match DirectoryEvent::parse(&event.event_type) {
            Some(DirectoryEvent::ResourceUpdated | DirectoryEvent::ResourceDeleted) => {
                self.near.forget(metadata.aggregate_id);
            }
            Some(
                DirectoryEvent::CategoryUpdated
                | DirectoryEvent::ExceptionChanged
                | DirectoryEvent::TenantDeleted,
            ) => self.calendars.raise(metadata.tenant_id),
            Some(
                DirectoryEvent::ResourceCreated
                | DirectoryEvent::TenantUpdated
                | DirectoryEvent::TenantSettingsChanged
                | DirectoryEvent::UserUpdated
                | DirectoryEvent::UserDeleted,
            )
            | None => {}
        }
    }

    /// A resource that a caller of this scope may see, as [`Self::find`].
    pub async fn find_within(
        &self,
        scope: Scope,
        id: Uuid,
    ) -> Result<Option<Arc<Bookable>>, Arc<ClientError>> {
        let tenant = match scope {
            Scope::Tenant(tenant) => tenant,
            // The developer's: whose it is has to be asked.
            Scope::All => match self.clients.resource(id).await.map_err(Arc::new)? {
                Some(facts) => facts.tenant_id,
                None => return Ok(None),
            },
        };
        self.find(tenant, id).await
    }

    /// A resource of a tenant; `None` if the tenant has none such; an error if it cannot be verified.
    pub async fn find(
        &self,
        tenant: Uuid,
        id: Uuid,
    ) -> Result<Option<Arc<Bookable>>, Arc<ClientError>> {
        let ask = || async {
            let (epoch, asked_at) = (self.calendars.of(tenant), self.clock.now());
            let found = self.clients.resource(id).await?;
            let known = |facts| {
                Arc::new(Known { bookable: Arc::new(Bookable::new(facts, asked_at)), epoch })
            };
            Ok::<_, ClientError>(found.map(known))
        };
        let mut latest = None;
        for _ in 0..ATTEMPTS {
            let Some(known) = self.near.get(id, ask).await? else { return Ok(None) };
            latest = Some(Arc::clone(&known.bookable));
            if known.epoch == self.calendars.of(tenant) {
                break;
            }
            self.near.forget(id);
        }
        Ok(latest.filter(|bookable| bookable.tenant_id == tenant))
    }

    /// The bookable resources of a tenant's category by name, as they are now; `None` if the tenant has
    /// no such category.
    pub async fn of_category(
        &self,
        tenant: Uuid,
        category: Uuid,
    ) -> Result<Option<Vec<Arc<Bookable>>>, ClientError> {
        let asked_at = self.clock.now();
        let Some(found) = self.clients.category(tenant, category).await? else { return Ok(None) };
        let own = found.whole().into_iter().filter(|facts| facts.tenant_id == tenant);
        Ok(Some(own.map(|facts| Arc::new(Bookable::new(facts, asked_at))).collect()))
    }
}

impl Bookable {
    fn new(facts: ResourceFacts, asked_at: DateTime<Utc>) -> Self {
        let capacity = facts.places();
        let ResourceFacts {
            id,
            tenant_id,
            name,
            status,
            availability_schedule,
            category_id,
            capacity: size,
            shared: _,
            booking_policy,
            category_policy,
            exceptions: facts,
            version,
        } = facts;
        // Stored schedules were checked on write; one that no longer reads is closed, not open.
        let closed = serde_json::json!({ "monday": [] });
        let schedule = Weekly::parse(&availability_schedule)
            .or_else(|_| Weekly::parse(&closed))
            .unwrap_or_default();
        Self {
            id,
            tenant_id,
            name,
            category_id,
            status,
            schedule,
            exceptions: exceptions(&facts),
            capacity,
            size,
            version,
            asked_at,
            own: booking_policy,
            category: category_policy,
        }
    }
}
