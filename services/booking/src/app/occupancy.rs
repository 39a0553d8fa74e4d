//! What is taken of many resources at once.

use contracts::facts::{
    BookingRow, BookingsBatch, ClaimRow, OccupancyBatch, ResourceBookings, ResourceClaims,
};
use contracts::page::encode_cursor;

use super::Bookings;
use crate::error::Error;
use crate::store::{Claimed, ClaimsOf, Standing};

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

    /// A part of the bookings and holds of several resources of a tenant, with their own times.
    pub(crate) async fn standing_batch(&self, wanted: &ClaimsOf) -> Result<BookingsBatch, Error> {
        let now = self.clock.now();
        let mut rows = self.store.standing_of(wanted, now, MOST + 1).await?;
        let more = rows.len() as u64 > MOST;
        rows.truncate(usize::try_from(MOST).unwrap_or(usize::MAX));
        let last = rows.last().map(|row| row.claimed.key());
        let mut resources: Vec<ResourceBookings> = Vec::new();
        for Standing { claimed, start_time, end_time } in rows {
            let row = BookingRow {
                id: claimed.id,
                start: start_time.timestamp(),
                end: end_time.timestamp(),
                quantity: u32::try_from(claimed.quantity).unwrap_or(1),
                claim: ClaimRow(
                    claimed.start.timestamp(),
                    claimed.end.timestamp(),
                    claimed.places_taken(),
                    claimed.expires.map(|at| at.timestamp_micros()),
                ),
            };
            match resources.last_mut().filter(|last| last.id == claimed.resource) {
                Some(last) => last.bookings.push(row),
                None => {
                    resources.push(ResourceBookings { id: claimed.resource, bookings: vec![row] });
                }
            }
        }
        let next = last.filter(|_| more).map(|key| encode_cursor(&key));
        Ok(BookingsBatch { resources, next })
    }
}
