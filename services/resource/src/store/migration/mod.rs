//! The directory's schema, step by step. Migrations never use the entities.

mod m0003_directory;
mod m0005_calendar;

use common::db::RowSecurity;
use sea_orm_migration::prelude::*;

/// Brings the resource database to the current schema.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = common::streams::migrations();
        all.extend(common::providers::migrations());
        all.push(Box::new(m0003_directory::Migration));
        all.push(Box::new(RowSecurity {
            name: "m0004_row_security",
            tables: &["category", "resource", "outbox", "settings_snapshot"],
        }));
        all.push(Box::new(m0005_calendar::Migration));
        all.push(Box::new(RowSecurity {
            name: "m0006_row_security_calendar",
            tables: &["calendar_exception"],
        }));
        all.extend(common::db::idempotency_migrations());
        all
    }

    fn migration_table_name() -> DynIden {
        "migrations_resource".into_iden()
    }
}
