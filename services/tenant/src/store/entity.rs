//! The row of a tenant.

#![expect(unreachable_pub, reason = "sea-orm's derives want nominally public types")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    /// The name, folded: lists are ordered by it.
    pub name_key: String,
    pub domain: String,
    /// The domain, folded: unique.
    pub domain_key: String,
    pub logo_url: String,
    pub theme_primary_color: String,
    pub plan: String,
    pub is_active: bool,
    pub settings: Json,
    pub settings_updated_at: DateTimeUtc,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
