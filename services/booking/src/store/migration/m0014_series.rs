//! Series: the rule that bookings of a `series_id` were made by.

use sea_orm::{ConnectionTrait as _, DatabaseBackend};
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0014_series"
    }
}

const TABLE: &str = "CREATE TABLE booking_series (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    resource_id {uuid} NOT NULL,
    rule text NOT NULL,
    wall_start text NOT NULL,
    zone text NOT NULL,
    duration_seconds bigint NOT NULL CHECK (duration_seconds > 0),
    split_from {uuid},
    ends_before {time},
    version bigint NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL)";

const INDEXES: [&str; 2] = [
    "CREATE INDEX booking_series_by_tenant ON booking_series (tenant_id, id)",
    "CREATE INDEX booking_series_by_user ON booking_series (user_id)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (uuid, time) = if manager.get_database_backend() == DatabaseBackend::Postgres {
            ("uuid", "timestamptz")
        } else {
            ("uuid_text", "timestamp_with_timezone_text")
        };
        let table = TABLE.replace("{uuid}", uuid).replace("{time}", time);
        let connection = manager.get_connection();
        connection.execute_unprepared(&table).await?;
        for index in INDEXES {
            connection.execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE booking_series").await.map(drop)
    }
}
