//! The busy time of a resource: the booking service's word, through the cache that replicas share.
//!
//! Only bookings are shared, not slots: those also depend on the clock and the rules. In one process
//! asking the booking service costs no more than a cache, so there nothing is shared.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use common::cache::Cache;
use common::clock::Clock;
use common::platform::Platform;
use contracts::client::Clients;
use contracts::facts::{ClaimFacts, OccupancyView};
use scheduling::Claim;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::NoAnswer;

/// How far the clocks of two replicas may be apart.
const SKEW: TimeDelta = TimeDelta::seconds(2);

/// Asks for bookings.
pub(super) struct Bookings {
    clients: Clients,
    clock: Arc<dyn Clock>,
    shared: Option<Arc<dyn Cache>>,
    ttl: Duration,
    /// When events may have been missed last, in microseconds since 1970: what others put into the
    /// shared cache before that may be out of date.
    lost: AtomicI64,
}

/// The bookings of a resource.
pub(super) struct Busy {
    pub(super) claims: Vec<Claim>,
    /// Not to be trusted after this, event or not.
    pub(super) fresh_until: DateTime<Utc>,
}

/// What lies in the shared cache.
#[derive(Debug, Serialize, Deserialize)]
struct Shared {
    /// When the booking service was asked.
    asked: DateTime<Utc>,
    claims: Vec<ClaimFacts>,
}

impl Bookings {
    pub(super) fn new(platform: &Platform) -> Self {
        let ttl = platform.settings.availability_ttl;
        let shared = platform.settings.redis_url.is_some().then(|| Arc::clone(&platform.cache));
        Self {
            clients: platform.clients.clone(),
            clock: Arc::clone(&platform.clock),
            shared,
            ttl,
            lost: AtomicI64::new(i64::MIN),
        }
    }

    /// The bookings that overlap `[from, to)`. Without an answer nothing is assumed to be free.
    pub(super) async fn busy(
        &self,
        tenant: Uuid,
        resource: Uuid,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        bypass: bool,
    ) -> Result<Busy, NoAnswer> {
        let scope = resource.to_string();
        let key = format!("{}-{}", from.timestamp(), to.timestamp());
        if !bypass && let Some(shared) = self.recall(&scope, &key).await {
            return Ok(self.read(&shared));
        }
        // Before asking: if an event comes in between, the answer is not kept.
        let generation = match &self.shared {
            Some(cache) => cache.generation(&scope).await,
            None => None,
        };
        let asked = self.clock.now();
        let found = self.clients.occupancy(tenant, resource, from, to).await;
        let OccupancyView { claims } =
            found.map_err(|error| NoAnswer::Bookings(error.to_string()))?;
        let shared = Shared { asked, claims };
        if let (Some(cache), Some(generation)) = (&self.shared, generation)
            && let Ok(bytes) = serde_json::to_vec(&shared)
        {
            cache.put(&scope, &key, generation, Bytes::from(bytes), self.ttl).await;
        }
        Ok(self.read(&shared))
    }

    /// What is taken of a resource in `[from, to)`, asked for anew and for nobody else: of several days at
    /// once nothing is shared.
    pub(super) async fn anew(
        &self,
        tenant: Uuid,
        resource: Uuid,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Busy, NoAnswer> {
        let asked = self.clock.now();
        let found = self.clients.occupancy(tenant, resource, from, to).await;
        let OccupancyView { claims } =
            found.map_err(|error| NoAnswer::Bookings(error.to_string()))?;
        Ok(self.read(&Shared { asked, claims }))
    }

    async fn recall(&self, scope: &str, key: &str) -> Option<Shared> {
        let bytes = self.shared.as_ref()?.get(scope, key).await?;
        let shared: Shared = serde_json::from_slice(&bytes).ok()?;
        let lost = DateTime::from_timestamp_micros(self.lost.load(Ordering::SeqCst));
        let trusted = lost.is_none_or(|lost| shared.asked > lost + SKEW);
        (trusted && self.clock.now() < self.fresh_until(&shared)).then_some(shared)
    }

    fn fresh_until(&self, shared: &Shared) -> DateTime<Utc> {
        shared.asked + TimeDelta::from_std(self.ttl).unwrap_or(TimeDelta::zero())
    }

    fn read(&self, shared: &Shared) -> Busy {
        let claims = shared.claims.iter().filter_map(ClaimFacts::claim).collect();
        Busy { claims, fresh_until: self.fresh_until(shared) }
    }

    /// Whether replicas share what they know.
    pub(super) fn are_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Forgets what replicas share of a resource; false if they share nothing.
    pub(super) async fn forget(&self, resource: Uuid) -> bool {
        let Some(cache) = &self.shared else { return false };
        // One that could not be reached owes it: until it is made good it has nothing for us.
        cache.invalidate(&resource.to_string()).await;
        true
    }

    /// Events may have been missed: what replicas share now is not to be trusted.
    pub(super) fn lost(&self) {
        self.lost.store(self.clock.now().timestamp_micros(), Ordering::SeqCst);
    }
}
