//! Lowering the capacity of shared resources: agreed here before the resource service commits it, since
//! only here it is known what their bookings use.

use chrono::TimeDelta;
use common::auth::Scope;
use contracts::facts::{CapacityLowering, LoweredResource};
use contracts::problem::Conflict;
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::Bookings;
use super::claim::conflict;
use crate::error::Error;
use crate::store::Lowered;

/// The most bookings that a refusal lists.
const MAX_CONFLICTS: usize = 50;
/// By then whoever lowers has committed or failed: no transaction of theirs lives half as long. Facts
/// that were asked for later tell which.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(60);
/// Whose the events of buried holds are: nobody's request.
const TRACE: &str = "capacity";
/// Batches of dead holds that are buried in one transaction.
const BURIALS: usize = 20;

impl Bookings {
    /// Sees to it that nothing more than the new capacities is booked from now on, whatever facts others
    /// decide by; or says which bookings need more, and changes nothing.
    pub(crate) async fn lower_capacity(
        &self,
        lowering: &CapacityLowering,
    ) -> Result<Vec<Conflict>, Error> {
        let tenant = lowering.tenant_id;
        let resources: Vec<Lowered> = lowering.resources.iter().map(|it| of(tenant, it)).collect();
        let resources = &resources;
        let done = self.store.database().transact(Scope::Tenant(tenant), |tx| async move {
            self.lower(&tx, tenant, resources).await
        });
        let conflicts = done.await?;
        self.relay.wake();
        Ok(conflicts)
    }

    async fn lower(
        &self,
        tx: &DatabaseTransaction,
        tenant: Uuid,
        resources: &[Lowered],
    ) -> Result<Vec<Conflict>, Error> {
        let mut ids: Vec<Uuid> = resources.iter().map(|lowered| lowered.resource).collect();
        self.store.lock_resources(tx, tenant, &mut ids).await?;
        for _ in 0..BURIALS {
            if self.bury(tx, &ids, TRACE).await? == 0 {
                break;
            }
        }
        let now = self.clock.now();
        let mut in_the_way = Vec::new();
        for lowered in resources {
            let left = MAX_CONFLICTS - in_the_way.len();
            if left == 0 {
                break;
            }
            in_the_way.extend(self.store.in_the_way_of_lowering(tx, lowered, now, left).await?);
        }
        if !in_the_way.is_empty() {
            return Ok(in_the_way.iter().map(conflict).collect());
        }
        for lowered in resources {
            self.store.note_lowering(tx, lowered, now, now + UNDER_WAY).await?;
        }
        Ok(Vec::new())
    }
}

fn of(tenant: Uuid, lowered: &LoweredResource) -> Lowered {
    let LoweredResource { resource_id, places, version } = *lowered;
    let places = i32::try_from(places).unwrap_or(i32::MAX);
    Lowered { tenant, resource: resource_id, places, version }
}
