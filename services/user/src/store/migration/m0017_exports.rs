//! The table of the exports of what is held about people: one row a person.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0017_exports"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let required = |name: &'static str| ColumnDef::new(name).not_null().to_owned();
        let nullable = |name: &'static str| ColumnDef::new(name).null().to_owned();
        let table = Table::create()
            .table("personal_exports")
            .col(required("id").uuid().primary_key())
            .col(required("tenant_id").uuid())
            .col(required("user_id").uuid())
            .col(nullable("requested_by").uuid())
            .col(required("requested_at").timestamp_with_time_zone())
            .col(required("state").text())
            .col(nullable("document").text())
            .col(required("attempts").integer())
            .col(required("next_try_at").timestamp_with_time_zone())
            .col(nullable("ready_at").timestamp_with_time_zone())
            .col(required("expires_at").timestamp_with_time_zone())
            .to_owned();
        manager.create_table(table).await?;
        let index =
            |name: &'static str| Index::create().name(name).table("personal_exports").to_owned();
        let of_user = index("personal_exports_user_id_key").col("user_id").unique().to_owned();
        manager.create_index(of_user).await?;
        let by_end = index("personal_exports_by_end").col("expires_at").to_owned();
        manager.create_index(by_end).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("personal_exports").to_owned()).await
    }
}
