//! Calendars that other programs subscribe to.

use sea_orm::{ConnectionTrait as _, DatabaseBackend};
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0016_calendars"
    }
}

/// Of the secret only the hash. A developer's has no owner.
const TABLE: &str = "CREATE TABLE calendar_feed (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    owner_id {uuid},
    user_id {uuid},
    resource_id {uuid},
    detail text NOT NULL CHECK (detail IN ('full', 'busy')),
    secret_hash text NOT NULL,
    created_at {time} NOT NULL,
    CONSTRAINT calendar_feed_is_of_one CHECK ((user_id IS NULL) <> (resource_id IS NULL)))";

const INDEXES: [&str; 5] = [
    "CREATE UNIQUE INDEX calendar_feed_secret ON calendar_feed (secret_hash)",
    "CREATE INDEX calendar_feed_by_age ON calendar_feed (tenant_id, created_at, id)",
    "CREATE INDEX calendar_feed_by_owner ON calendar_feed (owner_id)",
    "CREATE INDEX calendar_feed_by_user ON calendar_feed (user_id) WHERE user_id IS NOT NULL",
    "CREATE INDEX calendar_feed_by_resource ON calendar_feed (resource_id) \
     WHERE resource_id IS NOT NULL",
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
        manager.get_connection().execute_unprepared("DROP TABLE calendar_feed").await.map(drop)
    }
}
