//! The table of the API keys. A key itself is nowhere: only its SHA-256 is kept.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0016_api_keys"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let required = |name: &'static str| ColumnDef::new(name).not_null().to_owned();
        let nullable = |name: &'static str| ColumnDef::new(name).null().to_owned();
        let table = Table::create()
            .table("api_keys")
            .col(required("id").uuid().primary_key())
            .col(required("tenant_id").uuid())
            .col(required("name").text())
            .col(required("prefix").text())
            .col(required("key_hash").text())
            .col(required("scopes").json())
            .col(nullable("expires_at").timestamp_with_time_zone())
            .col(nullable("last_used_at").timestamp_with_time_zone())
            .col(nullable("use_told_at").timestamp_with_time_zone())
            .col(nullable("created_by").uuid())
            .col(required("created_at").timestamp_with_time_zone())
            .col(nullable("revoked_at").timestamp_with_time_zone())
            .to_owned();
        manager.create_table(table).await?;
        let index = |name: &'static str| Index::create().name(name).table("api_keys").to_owned();
        let by_hash = index("api_keys_key_hash").col("key_hash").unique().to_owned();
        manager.create_index(by_hash).await?;
        let by_tenant =
            index("api_keys_by_tenant").col("tenant_id").col("created_at").col("id").to_owned();
        manager.create_index(by_tenant).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("api_keys").to_owned()).await
    }
}
