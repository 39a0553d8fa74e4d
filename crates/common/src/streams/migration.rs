//! The tables of outbox and consumer. Every service has them, as a producer, a consumer or both.

use sea_orm_migration::sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// The migrations of this module, to be put in front of a service's own.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Streams)]
}

struct Streams;

impl MigrationName for Streams {
    fn name(&self) -> &'static str {
        "m0001_streams"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Streams {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = if manager.get_database_backend() == DbBackend::Sqlite {
            UP.replace("BIGSERIAL PRIMARY KEY", SQLITE_ID)
                .replace("UUID", "BLOB")
                .replace("STAMP", "TEXT")
        } else {
            UP.replace("STAMP", "TIMESTAMPTZ")
        };
        manager.get_connection().execute_unprepared(&sql).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(DOWN).await.map(drop)
    }
}

const SQLITE_ID: &str = "INTEGER PRIMARY KEY AUTOINCREMENT";

/// `pos` is null until the relay numbers the row. `checkpoint.dead` counts the letters that are
/// still dead: it stands in the row every consumer locks, so nobody overlooks one just added.
const UP: &str = "
CREATE TABLE outbox (
    id BIGSERIAL PRIMARY KEY,
    event_id UUID NOT NULL UNIQUE,
    tenant_id UUID NOT NULL,
    aggregate_id UUID NOT NULL,
    sequence BIGINT NOT NULL,
    event_type TEXT NOT NULL,
    payload TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    created_at STAMP NOT NULL,
    pos BIGINT NULL UNIQUE
);
CREATE INDEX outbox_unnumbered ON outbox (id) WHERE pos IS NULL;
CREATE TABLE outbox_head (
    source TEXT NOT NULL PRIMARY KEY,
    pos BIGINT NOT NULL
);
CREATE TABLE checkpoint (
    consumer TEXT NOT NULL,
    source TEXT NOT NULL,
    pos BIGINT NOT NULL,
    dead BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (consumer, source)
);
CREATE TABLE delivery_attempt (
    consumer TEXT NOT NULL,
    source TEXT NOT NULL,
    pos BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    last_error TEXT NOT NULL,
    PRIMARY KEY (consumer, source, pos)
);
CREATE TABLE dead_letter (
    consumer TEXT NOT NULL,
    source TEXT NOT NULL,
    pos BIGINT NOT NULL,
    event_id UUID NOT NULL,
    aggregate_id UUID NOT NULL,
    envelope TEXT NOT NULL,
    error TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    created_at STAMP NOT NULL,
    replayed_at STAMP NULL,
    PRIMARY KEY (consumer, source, pos)
);
CREATE INDEX dead_letter_waiting ON dead_letter (consumer, source, aggregate_id, pos)
    WHERE replayed_at IS NULL;
";

const DOWN: &str = "
DROP TABLE dead_letter;
DROP TABLE delivery_attempt;
DROP TABLE checkpoint;
DROP TABLE outbox_head;
DROP TABLE outbox;
";
