//! The schema, step by step. Migrations never name entities: they must mean the same for ever.

mod m0010_tenants;
mod m0011_row_security;

use sea_orm_migration::prelude::*;

/// Every migration of this service.
pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = common::streams::migrations();
        all.push(Box::new(m0010_tenants::Migration));
        all.push(Box::new(m0011_row_security::Migration));
        all.extend(common::db::idempotency_migrations());
        all
    }
}
