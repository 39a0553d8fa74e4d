//! The schema, step by step. Migrations never name entities: they must mean the same for ever.

mod m0010_users;
mod m0011_presets;
mod m0012_sessions;
mod m0016_api_keys;

use sea_orm_migration::prelude::*;

/// Every migration of this service.
pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = common::streams::migrations();
        all.extend(common::providers::migrations());
        all.push(Box::new(m0010_users::Migration));
        all.push(Box::new(m0011_presets::Migration));
        all.push(Box::new(m0012_sessions::Migration));
        all.push(Box::new(m0016_api_keys::Migration));
        all
    }
}
