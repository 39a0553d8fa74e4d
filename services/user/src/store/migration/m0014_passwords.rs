//! What slows guessing down, and who has forgotten a password.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0014_passwords"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let required = |name: &'static str| ColumnDef::new(name).not_null().to_owned();
        let nullable = |name: &'static str| ColumnDef::new(name).null().to_owned();
        // Times are milliseconds since 1970: one statement calculates with them on both engines.
        let throttle = Table::create()
            .table("sign_in_throttle")
            .col(required("throttle_key").text().primary_key())
            .col(required("failures").big_integer())
            .col(required("last_at_ms").big_integer())
            .col(required("blocked_until_ms").big_integer())
            .to_owned();
        manager.create_table(throttle).await?;
        let recoveries = Table::create()
            .table("password_recoveries")
            .col(required("id").uuid().primary_key())
            .col(required("tenant_id").uuid())
            .col(nullable("user_id").uuid())
            .col(required("account_key").text())
            .col(nullable("ip_key").text())
            .col(required("requested_at").timestamp_with_time_zone())
            .col(nullable("token_hash").text())
            .col(nullable("sent_at").timestamp_with_time_zone())
            .col(required("attempts").integer())
            .col(required("next_try_at").timestamp_with_time_zone())
            .col(required("expires_at").timestamp_with_time_zone())
            .col(nullable("used_at").timestamp_with_time_zone())
            .to_owned();
        manager.create_table(recoveries).await?;
        let index =
            |name: &'static str| Index::create().name(name).table("password_recoveries").to_owned();
        let token = index("password_recoveries_token_hash").col("token_hash").unique().to_owned();
        manager.create_index(token).await?;
        for (name, column) in [
            ("password_recoveries_by_account", "account_key"),
            ("password_recoveries_by_ip", "ip_key"),
            ("password_recoveries_by_time", "requested_at"),
        ] {
            manager.create_index(index(name).col(column).to_owned()).await?;
        }
        let by_age = Index::create()
            .name("sign_in_throttle_by_age")
            .table("sign_in_throttle")
            .col("last_at_ms")
            .to_owned();
        manager.create_index(by_age).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("password_recoveries").to_owned()).await?;
        manager.drop_table(Table::drop().table("sign_in_throttle").to_owned()).await
    }
}
