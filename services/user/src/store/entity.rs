//! The row of a user.

#![expect(unreachable_pub, reason = "sea-orm's derives want nominally public types")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub name: String,
    /// The name, folded: lists are ordered by it.
    pub name_key: String,
    pub email: String,
    /// The address, folded: unique in the tenant.
    pub email_key: String,
    pub phone: Option<String>,
    pub department: Option<String>,
    pub user_type: String,
    pub is_active: bool,
    pub permissions: Json,
    pub preset: Option<String>,
    pub metadata: Json,
    /// Argon2id as a PHC string; null for people who do not sign in.
    pub password_hash: Option<String>,
    /// Name, address, telephone and department, folded: searches look in it.
    pub search_key: String,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
