//! Row-level security: everybody may read who the tenants are, only its own people write one.

use common::db::{no_row_security, row_security, row_security_public};
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0011_row_security"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        row_security_public(manager, "tenants", "id").await?;
        row_security(manager, "outbox", "tenant_id").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        no_row_security(manager, "outbox").await?;
        no_row_security(manager, "tenants").await
    }
}
