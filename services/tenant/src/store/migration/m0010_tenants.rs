//! The table of the tenants.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0010_tenants"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let required = |name: &'static str| ColumnDef::new(name).not_null().to_owned();
        let mut name_key = required("name_key").text().to_owned();
        if manager.get_database_backend() == DbBackend::Postgres {
            // By code point, as SQLite does: both engines list in the same order.
            name_key.extra("COLLATE \"C\"");
        }
        let table = Table::create()
            .table("tenants")
            .col(required("id").uuid().primary_key())
            .col(required("name").text())
            .col(&mut name_key)
            .col(required("domain").text())
            .col(required("domain_key").text())
            .col(required("logo_url").text())
            .col(required("theme_primary_color").text())
            .col(required("plan").text())
            .col(required("is_active").boolean())
            .col(required("settings").json())
            .col(required("settings_updated_at").timestamp_with_time_zone())
            .col(required("version").big_integer())
            .col(required("created_at").timestamp_with_time_zone())
            .col(required("updated_at").timestamp_with_time_zone())
            .to_owned();
        manager.create_table(table).await?;
        let index = |name: &'static str| Index::create().name(name).table("tenants").to_owned();
        manager
            .create_index(index("tenants_domain_key").col("domain_key").unique().to_owned())
            .await?;
        manager.create_index(index("tenants_by_name").col("name_key").col("id").to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("tenants").to_owned()).await
    }
}
