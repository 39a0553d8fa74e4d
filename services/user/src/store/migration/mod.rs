//! The schema, step by step. Migrations never name entities: they must mean the same for ever.

mod m0010_users;
mod m0011_presets;
mod m0012_sessions;
mod m0014_passwords;
mod m0015_refresh_tokens;
mod m0016_api_keys;
mod m0017_exports;

use common::db::RowSecurity;
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
        all.push(Box::new(RowSecurity {
            name: "m0013_row_security",
            tables: &["users", "sessions", "outbox", "settings_snapshot"],
        }));
        all.push(Box::new(m0014_passwords::Migration));
        all.push(Box::new(m0015_refresh_tokens::Migration));
        all.push(Box::new(m0016_api_keys::Migration));
        all.push(Box::new(m0017_exports::Migration));
        all.push(Box::new(RowSecurity {
            name: "m0018_row_security",
            tables: &["password_recoveries", "refresh_tokens", "api_keys", "personal_exports"],
        }));
        all.extend(common::db::idempotency_migrations());
        all
    }
}
