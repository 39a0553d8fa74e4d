//! Categories and resources.

use sea_orm::{ConnectionTrait as _, DatabaseBackend};
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_directory"
    }
}

/// `{…}` are the engine's types. `{key}` orders by bytes, so that both engines order alike.
const CATEGORY: &str = "CREATE TABLE category (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL,
    name_key {key} NOT NULL,
    kind text NOT NULL CHECK (kind IN ('fisico','humano')),
    description text,
    icon text,
    color text,
    is_active boolean NOT NULL,
    category_metadata {json} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    CONSTRAINT category_of_tenant UNIQUE (tenant_id, id))";

/// The foreign key keeps a category that is used, and resource and category in one tenant, whatever
/// requests race. It says nothing of ON DELETE: RESTRICT has another error code on `SQLite`.
///
/// `attribute_texts` is `attributes` as the filter compares it: top-level scalars in their text form.
const RESOURCE: &str = "CREATE TABLE resource (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    category_id {uuid} NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL,
    name_key {key} NOT NULL,
    search_key text NOT NULL,
    description text,
    location text,
    image_url text,
    status text NOT NULL CHECK (status IN ('disponivel','manutencao','indisponivel')),
    capacity integer NOT NULL CHECK (capacity >= 1),
    attributes {json} NOT NULL,
    attribute_texts {texts} NOT NULL,
    availability_schedule {json} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    CONSTRAINT resource_category FOREIGN KEY (tenant_id, category_id)
        REFERENCES category (tenant_id, id))";

const INDEXES: [&str; 3] = [
    "CREATE INDEX category_by_name ON category (tenant_id, name_key, id)",
    "CREATE INDEX resource_by_name ON resource (tenant_id, name_key, id)",
    "CREATE INDEX resource_by_category ON resource (tenant_id, category_id, name_key, id)",
];

const POSTGRES: [(&str, &str); 5] = [
    ("{uuid}", "uuid"),
    ("{time}", "timestamptz"),
    ("{key}", "text COLLATE \"C\""),
    ("{json}", "json"),
    ("{texts}", "jsonb"),
];
const SQLITE: [(&str, &str); 5] = [
    ("{uuid}", "uuid_text"),
    ("{time}", "timestamp_with_timezone_text"),
    ("{key}", "text"),
    ("{json}", "json_text"),
    ("{texts}", "json_text"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
        let types = if postgres { POSTGRES } else { SQLITE };
        for table in [CATEGORY, RESOURCE] {
            let sql = types.iter().fold(table.to_owned(), |sql, (from, to)| sql.replace(from, to));
            connection.execute_unprepared(&sql).await?;
        }
        for index in INDEXES {
            connection.execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared("DROP TABLE resource").await?;
        connection.execute_unprepared("DROP TABLE category").await?;
        Ok(())
    }
}
