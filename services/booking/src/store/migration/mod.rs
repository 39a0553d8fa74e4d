//! The booking database's schema, step by step. Migrations never use the entities.

mod m0003_booking;
mod m0004_tombstone_tenant;
mod m0006_people;
mod m0007_engine;
mod m0010_holds;
mod m0012_waitlist;
mod m0014_series;
mod m0016_calendars;
mod m0018_links;
mod sqlite;

use common::db::RowSecurity;
use sea_orm_migration::prelude::*;

/// Brings the booking database to the current schema.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = common::streams::migrations();
        all.extend(common::providers::migrations());
        all.push(Box::new(m0003_booking::Migration));
        all.push(Box::new(m0004_tombstone_tenant::Migration));
        all.push(Box::new(RowSecurity {
            name: "m0005_row_security",
            tables: &["booking", "tombstone", "outbox", "settings_snapshot"],
        }));
        all.push(Box::new(m0006_people::Migration));
        all.push(Box::new(m0007_engine::Migration));
        all.push(Box::new(RowSecurity {
            name: "m0008_row_security_engine",
            tables: &["capacity_usage", "capacity_limit"],
        }));
        all.push(Box::new(m0010_holds::Migration));
        all.push(Box::new(RowSecurity {
            name: "m0011_row_security_holds",
            tables: &["hold_client"],
        }));
        all.push(Box::new(m0012_waitlist::Migration));
        all.push(Box::new(RowSecurity {
            name: "m0013_row_security_waitlist",
            tables: &["waitlist_entry"],
        }));
        all.push(Box::new(m0016_calendars::Migration));
        all.push(Box::new(RowSecurity {
            name: "m0016_row_security_calendars",
            tables: &["calendar_feed"],
        }));
        all.extend(common::db::idempotency_migrations());
        all.push(Box::new(m0014_series::Migration));
        all.push(Box::new(RowSecurity {
            name: "m0015_row_security_series",
            tables: &["booking_series"],
        }));
        all.push(Box::new(m0018_links::Migration));
        all.push(Box::new(RowSecurity {
            name: "m0018_row_security_links",
            tables: &["booking_link"],
        }));
        all
    }

    fn migration_table_name() -> DynIden {
        "migrations_booking".into_iden()
    }
}
