//! From where holds were made, so that one address cannot hold everything.

use sea_orm::{ConnectionTrait as _, DatabaseBackend};
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0010_holds"
    }
}

/// A row lives as long as its hold. `client` is a hash of tenant and network, no address.
const CLIENT: &str = "CREATE TABLE hold_client (
    booking_id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    client text NOT NULL)";

const INDEXES: [(&str, &str); 4] = [
    ("hold_client_by_client", "hold_client (tenant_id, client)"),
    ("booking_holds_of_user", "booking (user_id, expires_at) WHERE status = 'reservado'"),
    ("booking_holds_by_end", "booking (expires_at) WHERE status = 'reservado'"),
    (
        "booking_nobody_came",
        "booking (start_time) WHERE status = 'confirmado' AND no_show_minutes IS NOT NULL \
         AND checked_in_at IS NULL",
    ),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
        let uuid = if postgres { "uuid" } else { "uuid_text" };
        connection.execute_unprepared(&CLIENT.replace("{uuid}", uuid)).await?;
        for (name, on) in INDEXES {
            connection.execute_unprepared(&format!("CREATE INDEX {name} ON {on}")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for (name, _) in INDEXES {
            connection.execute_unprepared(&format!("DROP INDEX {name}")).await?;
        }
        connection.execute_unprepared("DROP TABLE hold_client").await.map(drop)
    }
}
