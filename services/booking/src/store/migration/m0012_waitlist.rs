//! The waiting list.

use sea_orm::{ConnectionTrait as _, DatabaseBackend};
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0012_waitlist"
    }
}

/// `booking_id` is the hold that was offered; an entry without one waits. The token is kept as it is, for
/// it has to be shown to who waits: only while the hold lives, and it opens nothing without their own
/// credentials.
const TABLE: &str = "CREATE TABLE waitlist_entry (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    resource_id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    start_time {time} NOT NULL,
    end_time {time} NOT NULL,
    quantity integer NOT NULL CHECK (quantity >= 1),
    booking_id {uuid},
    hold_token text,
    created_at {time} NOT NULL,
    CONSTRAINT waitlist_has_length CHECK (end_time > start_time))";

const INDEXES: [&str; 5] = [
    "CREATE UNIQUE INDEX waitlist_once ON waitlist_entry (user_id, resource_id, start_time, end_time) \
     WHERE booking_id IS NULL",
    "CREATE INDEX waitlist_waiting ON waitlist_entry (resource_id, created_at, id) \
     WHERE booking_id IS NULL",
    "CREATE INDEX waitlist_by_age ON waitlist_entry (tenant_id, created_at, id)",
    "CREATE INDEX waitlist_by_start ON waitlist_entry (start_time)",
    "CREATE INDEX waitlist_offers ON waitlist_entry (booking_id) WHERE booking_id IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let (uuid, time) = if manager.get_database_backend() == DatabaseBackend::Postgres {
            ("uuid", "timestamptz")
        } else {
            ("uuid_text", "timestamp_with_timezone_text")
        };
        let table = TABLE.replace("{uuid}", uuid).replace("{time}", time);
        connection.execute_unprepared(&table).await?;
        for index in INDEXES {
            connection.execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE waitlist_entry").await.map(drop)
    }
}
