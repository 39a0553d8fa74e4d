//! What row-level security needs here: tombstones know whose they are, and overlaps are found by
//! comparisons that Postgres trusts.
//!
//! Behind a policy an index may only be asked by operators that leak nothing. `&&` on ranges is none,
//! so the index of the exclusion constraint no longer answers for its span.

use sea_orm::{ConnectionTrait as _, DatabaseBackend};
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0004_tombstone_tenant"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
        let kind = if postgres { "uuid" } else { "uuid_text" };
        let add = format!("ALTER TABLE tombstone ADD COLUMN tenant_id {kind}");
        connection.execute_unprepared(&add).await?;
        // A tombstone that no booking names refuses nothing that the neighbours would not refuse.
        connection
            .execute_unprepared(
                "UPDATE tombstone SET tenant_id = CASE kind WHEN 'tenant' THEN id \
                 WHEN 'user' THEN (SELECT tenant_id FROM booking WHERE user_id = tombstone.id LIMIT 1) \
                 ELSE (SELECT tenant_id FROM booking WHERE resource_id = tombstone.id LIMIT 1) END",
            )
            .await?;
        connection.execute_unprepared("DELETE FROM tombstone WHERE tenant_id IS NULL").await?;
        if postgres {
            let required = "ALTER TABLE tombstone ALTER COLUMN tenant_id SET NOT NULL";
            connection.execute_unprepared(required).await?;
            let active = "CREATE INDEX booking_active ON booking (resource_id, start_time) \
                          WHERE status IN ('pendente','confirmado')";
            connection.execute_unprepared(active).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            connection.execute_unprepared("DROP INDEX booking_active").await?;
        }
        connection.execute_unprepared("ALTER TABLE tombstone DROP COLUMN tenant_id").await.map(drop)
    }
}
