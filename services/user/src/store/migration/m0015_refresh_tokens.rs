//! The table of the refresh tokens: one row each, by its hash.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0015_refresh_tokens"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let required = |name: &'static str| ColumnDef::new(name).not_null().to_owned();
        let nullable = |name: &'static str| ColumnDef::new(name).null().to_owned();
        let table = Table::create()
            .table("refresh_tokens")
            .col(required("id").uuid().primary_key())
            .col(required("session_id").uuid())
            .col(required("tenant_id").uuid())
            .col(required("token_hash").text())
            .col(required("issued_at").timestamp_with_time_zone())
            .col(required("expires_at").timestamp_with_time_zone())
            .col(nullable("used_at").timestamp_with_time_zone())
            .col(nullable("successor_nonce").text())
            .to_owned();
        manager.create_table(table).await?;
        let index =
            |name: &'static str| Index::create().name(name).table("refresh_tokens").to_owned();
        let by_hash = index("refresh_tokens_token_hash_key").col("token_hash").unique().to_owned();
        manager.create_index(by_hash).await?;
        let by_session = index("refresh_tokens_by_session").col("session_id").to_owned();
        manager.create_index(by_session).await?;
        let by_end = index("refresh_tokens_by_end").col("expires_at").to_owned();
        manager.create_index(by_end).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("refresh_tokens").to_owned()).await
    }
}
