//! Users may carry a named set of permissions.

use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0011_presets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut preset = ColumnDef::new("preset").text().null().to_owned();
        let table = Table::alter().table("users").add_column(&mut preset).to_owned();
        manager.alter_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter().table("users").drop_column("preset").to_owned();
        manager.alter_table(table).await
    }
}
