//! Bookings in the database. Every query starts at the tenant; the claim on a resource is refused by
//! the database itself (an exclusion constraint on Postgres, triggers on SQLite).

mod capacity;
mod entity;
mod insert;
mod migration;
mod personal;
mod queries;
mod series;
mod tombstone;

pub(crate) use capacity::Counted;
pub(crate) use entity::Model as Booking;
pub(crate) use insert::Inserted;
pub(crate) use migration::Migrator;
pub(crate) use queries::{Filter, Reach, SortKey};
pub(crate) use series::{CountedBooking, Model as BookingSeries, Together};
pub(crate) use tombstone::Gone;

use common::db::Database;
use common::streams::Outbox;

/// The bookings of every tenant.
#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    outbox: Outbox,
}

impl Store {
    pub(crate) fn new(database: Database, outbox: Outbox) -> Self {
        Self { database, outbox }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }
}
