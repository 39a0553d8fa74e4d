//! What is asked of bookings, and the days that are not like the others.

use sea_orm::{ConnectionTrait as _, DatabaseBackend};
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_calendar"
    }
}

/// `{…}` are the engine's types. The foreign keys take a category's and a resource's exceptions away
/// with them.
const EXCEPTION: &str = "CREATE TABLE calendar_exception (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    category_id {uuid} REFERENCES category (id) ON DELETE CASCADE,
    resource_id {uuid} REFERENCES resource (id) ON DELETE CASCADE,
    level text NOT NULL CHECK (level IN ('tenant','category','resource')),
    kind text NOT NULL CHECK (kind IN ('override','holiday','maintenance','closure')),
    start_date {date} NOT NULL,
    end_date {date} NOT NULL,
    yearly boolean NOT NULL,
    ranges {json} NOT NULL,
    reason text NOT NULL,
    version bigint NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    CONSTRAINT exception_dates CHECK (end_date >= start_date),
    CONSTRAINT exception_target CHECK ((level = 'category') = (category_id IS NOT NULL)
        AND (level = 'resource') = (resource_id IS NOT NULL)))";

const POSTGRES: [(&str, &str); 4] =
    [("{uuid}", "uuid"), ("{time}", "timestamptz"), ("{date}", "date"), ("{json}", "json")];
const SQLITE: [(&str, &str); 4] = [
    ("{uuid}", "uuid_text"),
    ("{time}", "timestamp_with_timezone_text"),
    ("{date}", "date_text"),
    ("{json}", "json_text"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
        let types = if postgres { POSTGRES } else { SQLITE };
        let engine_sql =
            |sql: &str| types.iter().fold(sql.to_owned(), |sql, (a, b)| sql.replace(a, b));
        for table in ["category", "resource"] {
            let column = format!(
                "ALTER TABLE {table} ADD COLUMN booking_policy {{json}} NOT NULL DEFAULT '{{}}'"
            );
            // The default is an object, not a type.
            connection.execute_unprepared(&engine_sql(&column)).await?;
        }
        connection.execute_unprepared(&engine_sql(EXCEPTION)).await?;
        for index in [
            "CREATE INDEX exception_by_date ON calendar_exception (tenant_id, start_date, id)",
            "CREATE INDEX exception_by_resource ON calendar_exception (resource_id) WHERE resource_id IS NOT NULL",
            "CREATE INDEX exception_by_category ON calendar_exception (category_id) WHERE category_id IS NOT NULL",
        ] {
            connection.execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared("DROP TABLE calendar_exception").await?;
        for table in ["category", "resource"] {
            let sql = format!("ALTER TABLE {table} DROP COLUMN booking_policy");
            connection.execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}
