//! The table of the users.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0010_users"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let required = |name: &'static str| ColumnDef::new(name).not_null().to_owned();
        let nullable = |name: &'static str| ColumnDef::new(name).null().to_owned();
        let mut name_key = required("name_key").text().to_owned();
        if manager.get_database_backend() == DbBackend::Postgres {
            // By code point, as SQLite does: both engines list in the same order.
            name_key.extra("COLLATE \"C\"");
        }
        let table = Table::create()
            .table("users")
            .col(required("id").uuid().primary_key())
            .col(required("tenant_id").uuid())
            .col(required("name").text())
            .col(&mut name_key)
            .col(required("email").text())
            .col(required("email_key").text())
            .col(nullable("phone").text())
            .col(nullable("department").text())
            .col(required("user_type").text())
            .col(required("is_active").boolean())
            .col(required("permissions").json())
            .col(required("metadata").json())
            .col(nullable("password_hash").text())
            .col(required("search_key").text())
            .col(required("version").big_integer())
            .col(required("created_at").timestamp_with_time_zone())
            .col(required("updated_at").timestamp_with_time_zone())
            .to_owned();
        manager.create_table(table).await?;
        let index = |name: &'static str| Index::create().name(name).table("users").to_owned();
        let unique = index("users_tenant_id_email_key")
            .col("tenant_id")
            .col("email_key")
            .unique()
            .to_owned();
        manager.create_index(unique).await?;
        manager.create_index(index("users_by_email").col("email_key").to_owned()).await?;
        let by_name = index("users_by_name").col("tenant_id").col("name_key").col("id").to_owned();
        manager.create_index(by_name).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("users").to_owned()).await
    }
}
