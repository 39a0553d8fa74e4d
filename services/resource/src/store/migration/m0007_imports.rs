//! Where an imported exception comes from.

use sea_orm::ConnectionTrait as _;
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0007_imports"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for sql in [
            "ALTER TABLE calendar_exception ADD COLUMN source_uid text",
            "CREATE INDEX exception_by_source ON calendar_exception (tenant_id, source_uid) WHERE source_uid IS NOT NULL",
        ] {
            connection.execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for sql in [
            "DROP INDEX exception_by_source",
            "ALTER TABLE calendar_exception DROP COLUMN source_uid",
        ] {
            connection.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
