//! What is taken of many resources at once.

use contracts::facts::{ClaimRow, OccupancyBatch, ResourceClaims};
use contracts::page::encode_cursor;

use super::Bookings;
use crate::error::Error;
use crate::store::{Claimed, ClaimsOf};

/// The most claims of one answer: about a megabyte.
const MOST: u64 = 20_000;

impl Bookings {
    /// A part of what is taken of several resources of a tenant.
    pub(crate) async fn occupancy_batch(&self, wanted: &ClaimsOf) -> Result<OccupancyBatch, Error> {
        let now = self.clock.now();
        let mut rows = self.store.claims_of(wanted, now, MOST + 1).await?;
        let more = rows.len() as u64 > MOST;
        rows.truncate(usize::try_from(MOST).unwrap_or(usize::MAX));
        let last = rows.last().map(Claimed::key);
        let mut resources: Vec<ResourceClaims> = Vec::new();
        for row in rows {
            let expires = row.expires.map(|at| at.timestamp_micros());
            let claim =
                ClaimRow(row.start.timestamp(), row.end.timestamp(), row.places_taken(), expires);
            match resources.last_mut().filter(|last| last.id == row.resource) {
                Some(last) => last.claims.push(claim),
                None => resources.push(ResourceClaims { id: row.resource, claims: vec![claim] }),
            }
        }
        let next = last.filter(|_| more).map(|key| encode_cursor(&key));
        Ok(OccupancyBatch { resources, next })
    }
}
