//! The table of answers that may be asked for again. Every service with a POST has it.

use sea_orm_migration::prelude::*;

use crate::db::{no_row_security, row_security};

/// The migration's name.
pub(super) const NAME: &str = "m0020_idempotency";

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        NAME
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let required = |name: &'static str| ColumnDef::new(name).not_null().to_owned();
        let table = Table::create()
            .table("idempotency")
            .col(required("tenant_id").uuid())
            .col(required("lookup").text())
            .col(required("fingerprint").text())
            .col(required("status").integer())
            .col(ColumnDef::new("answer").blob().null())
            .col(required("created_at").timestamp_with_time_zone())
            .col(required("expires_at").timestamp_with_time_zone())
            .primary_key(Index::create().col("tenant_id").col("lookup"))
            .to_owned();
        manager.create_table(table).await?;
        let by_end = Index::create()
            .name("idempotency_by_end")
            .table("idempotency")
            .col("expires_at")
            .to_owned();
        manager.create_index(by_end).await?;
        row_security(manager, "idempotency", "tenant_id").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        no_row_security(manager, "idempotency").await?;
        manager.drop_table(Table::drop().table("idempotency").to_owned()).await
    }
}
