//! The row of a refresh token.

#![expect(unreachable_pub, reason = "sea-orm's derives want nominally public types")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The session: its tokens are one family.
    pub session_id: Uuid,
    pub tenant_id: Uuid,
    /// SHA-256 of the token, hexadecimal.
    pub token_hash: String,
    pub issued_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    /// When it was traded for its successor.
    pub used_at: Option<DateTimeUtc>,
    /// What its successor is made from, together with the token itself; gone once that was used.
    pub successor_nonce: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
