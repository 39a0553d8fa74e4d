//! Bookings in the database. Every query starts at the tenant; the claim on a resource is refused by
//! the database itself (an exclusion constraint on Postgres, triggers on SQLite).

mod calendars;
mod capacity;
mod entity;
mod finish;
mod holds;
mod insert;
mod links;
mod migration;
mod occupancy;
mod personal;
mod queries;
mod series;
mod tombstone;
mod waitlist;

pub(crate) use calendars::{Age, FeedsOf, Model as Feed, Stretch};
pub(crate) use capacity::{Counted, Lowered};
pub(crate) use entity::Model as Booking;
pub(crate) use finish::Due;
pub(crate) use holds::HoldCount;
pub(crate) use insert::Inserted;
pub(crate) use links::{LinksOf, Model as Link, StoredKey};
pub(crate) use migration::Migrator;
pub(crate) use occupancy::{ClaimKey, Claimed, ClaimsOf, Standing};
pub(crate) use queries::{Claims, Filter, Reach, SortKey};
pub(crate) use series::{CountedBooking, Model as BookingSeries, Together};
pub(crate) use tombstone::Gone;
pub(crate) use waitlist::{Column as EntryColumn, Model as Entry, Turn, Waiting};

use std::sync::Arc;

use common::Clock;
use common::db::Database;
use common::streams::Outbox;

/// The bookings of every tenant.
#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
}

impl Store {
    pub(crate) fn new(database: Database, outbox: Outbox, clock: Arc<dyn Clock>) -> Self {
        Self { database, outbox, clock }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }
}
