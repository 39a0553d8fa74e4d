//! Links to bookings, and the keys they are signed with.

use sea_orm::{ConnectionTrait as _, DatabaseBackend};
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0018_links"
    }
}

/// `user_id` is the booking's owner when the link was made. Of what the token holds beside the id only a
/// hash is kept: who reads this table makes no link of it.
const LINK: &str = "CREATE TABLE booking_link (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    booking_id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    secret_hash text NOT NULL,
    expires_at {time} NOT NULL,
    may_move boolean NOT NULL,
    may_cancel boolean NOT NULL,
    created_by {uuid},
    created_at {time} NOT NULL)";

/// `period` is that in which the links end which are signed with it. No tenant's: every replica of the
/// service uses the same.
const KEY: &str = "CREATE TABLE link_key (
    period bigint NOT NULL PRIMARY KEY,
    secret {bytes} NOT NULL,
    created_at {time} NOT NULL)";

const INDEXES: [(&str, &str); 5] = [
    ("booking_link_of_booking", "booking_link (booking_id, created_at)"),
    ("booking_link_of_tenant", "booking_link (tenant_id)"),
    ("booking_link_of_user", "booking_link (user_id)"),
    ("booking_link_by_maker", "booking_link (created_by)"),
    ("booking_link_by_end", "booking_link (expires_at)"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let (uuid, time, bytes) = if manager.get_database_backend() == DatabaseBackend::Postgres {
            ("uuid", "timestamptz", "bytea")
        } else {
            ("uuid_text", "timestamp_with_timezone_text", "blob")
        };
        for table in [LINK, KEY] {
            let table = table.replace("{uuid}", uuid).replace("{time}", time);
            connection.execute_unprepared(&table.replace("{bytes}", bytes)).await?;
        }
        for (name, on) in INDEXES {
            connection.execute_unprepared(&format!("CREATE INDEX {name} ON {on}")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["booking_link", "link_key"] {
            let drop = format!("DROP TABLE {table}");
            manager.get_connection().execute_unprepared(&drop).await?;
        }
        Ok(())
    }
}
