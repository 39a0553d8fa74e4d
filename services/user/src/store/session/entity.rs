//! The row of a session.

#![expect(unreachable_pub, reason = "sea-orm's derives want nominally public types")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub user_id: Uuid,
    /// When the password was given.
    pub created_at: DateTimeUtc,
    pub last_used_at: DateTimeUtc,
    /// It ends then, however often it is refreshed.
    pub expires_at: DateTimeUtc,
    pub ended_at: Option<DateTimeUtc>,
    pub ended_reason: Option<String>,
    pub user_agent: Option<String>,
    pub ip: Option<String>,
    /// The operator who acts as the user.
    pub impersonator_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
