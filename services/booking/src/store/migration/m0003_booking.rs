//! Bookings, the refusal of overlaps, and what was deleted elsewhere.

use sea_orm::{ConnectionTrait as _, DatabaseBackend};
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_booking"
    }
}

/// Shared columns; `{uuid}` and `{time}` are the engine's types.
const TABLE: &str = "CREATE TABLE booking (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    resource_id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    client_id {uuid},
    start_time {time} NOT NULL,
    end_time {time} NOT NULL,
    zone text NOT NULL,
    wall_start text NOT NULL,
    tzdb text NOT NULL,
    status text NOT NULL CHECK (status IN ('pendente','confirmado','cancelado','concluido','sem_dados')),
    notes text,
    recurring_enabled boolean NOT NULL,
    recurring_pattern text,
    confirmation_code text NOT NULL CONSTRAINT booking_confirmation_code UNIQUE,
    cancellation_hours integer NOT NULL,
    cancellation_reason text,
    cancelled_at {time},
    cancelled_by {uuid},
    version bigint NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    CONSTRAINT booking_has_length CHECK (end_time > start_time){constraint})";

/// Half-open spans of active bookings of one resource never overlap.
const POSTGRES_EXCLUSION: &str = ",
    CONSTRAINT booking_no_overlap EXCLUDE USING gist
        (resource_id WITH =, tstzrange(start_time, end_time) WITH &&)
        WHERE (status IN ('pendente','confirmado'))";

/// The same for `SQLite`; the name in `RAISE` is what `common::db::classify` looks for.
const SQLITE_TRIGGER: &str = "CREATE TRIGGER booking_no_overlap_{event} BEFORE {when} ON booking
    WHEN NEW.status IN ('pendente','confirmado') AND EXISTS (
        SELECT 1 FROM booking WHERE resource_id = NEW.resource_id AND id <> NEW.id
        AND status IN ('pendente','confirmado')
        AND start_time < NEW.end_time AND end_time > NEW.start_time)
    BEGIN SELECT RAISE(ABORT, 'booking_no_overlap'); END";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
        let (uuid, time, constraint) = if postgres {
            connection.execute_unprepared("CREATE EXTENSION IF NOT EXISTS btree_gist").await?;
            ("uuid", "timestamptz", POSTGRES_EXCLUSION)
        } else {
            ("uuid_text", "timestamp_with_timezone_text", "")
        };
        let typed = |sql: &str| sql.replace("{uuid}", uuid).replace("{time}", time);
        connection.execute_unprepared(&typed(&TABLE.replace("{constraint}", constraint))).await?;
        connection
            .execute_unprepared(&typed(
                "CREATE TABLE tombstone (id {uuid} NOT NULL PRIMARY KEY, kind text NOT NULL, created_at {time} NOT NULL)",
            ))
            .await?;
        for index in [
            "CREATE INDEX booking_by_start ON booking (tenant_id, start_time, id)",
            "CREATE INDEX booking_by_user ON booking (user_id, start_time)",
            "CREATE INDEX tombstone_by_time ON tombstone (created_at)",
        ] {
            connection.execute_unprepared(index).await?;
        }
        if !postgres {
            let index = "CREATE INDEX booking_by_resource ON booking (resource_id, start_time)";
            connection.execute_unprepared(index).await?;
            let update = "UPDATE OF resource_id, start_time, end_time, status";
            for (event, when) in [("insert", "INSERT"), ("update", update)] {
                let trigger = SQLITE_TRIGGER.replace("{event}", event).replace("{when}", when);
                connection.execute_unprepared(&trigger).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared("DROP TABLE booking").await?;
        connection.execute_unprepared("DROP TABLE tombstone").await?;
        Ok(())
    }
}
