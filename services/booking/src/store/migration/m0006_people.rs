//! Indexes to find every booking that names a person: for exports and erasures.

use sea_orm::ConnectionTrait as _;
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0006_people"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["client_id", "cancelled_by"] {
            let index = format!(
                "CREATE INDEX booking_by_{column} ON booking ({column}) WHERE {column} IS NOT NULL"
            );
            manager.get_connection().execute_unprepared(&index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["client_id", "cancelled_by"] {
            let drop = format!("DROP INDEX booking_by_{column}");
            manager.get_connection().execute_unprepared(&drop).await?;
        }
        Ok(())
    }
}
