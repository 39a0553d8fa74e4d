//! The table of the sessions: one row a sign-in.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0012_sessions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let required = |name: &'static str| ColumnDef::new(name).not_null().to_owned();
        let nullable = |name: &'static str| ColumnDef::new(name).null().to_owned();
        let table = Table::create()
            .table("sessions")
            .col(required("id").uuid().primary_key())
            .col(required("tenant_id").uuid())
            .col(required("user_id").uuid())
            .col(required("created_at").timestamp_with_time_zone())
            .col(required("last_used_at").timestamp_with_time_zone())
            .col(required("expires_at").timestamp_with_time_zone())
            .col(nullable("ended_at").timestamp_with_time_zone())
            .col(nullable("ended_reason").text())
            .col(nullable("user_agent").text())
            .col(nullable("ip").text())
            .col(nullable("impersonator_id").uuid())
            .to_owned();
        manager.create_table(table).await?;
        let by_user = Index::create()
            .name("sessions_by_user")
            .table("sessions")
            .col("user_id")
            .col("created_at")
            .to_owned();
        manager.create_index(by_user).await?;
        let by_end =
            Index::create().name("sessions_by_end").table("sessions").col("expires_at").to_owned();
        manager.create_index(by_end).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("sessions").to_owned()).await
    }
}
