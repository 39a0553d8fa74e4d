//! The refresh tokens in the database, by their hashes.

mod entity;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, SelectStatement};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _,
};

use super::Tx;
use entity::{Column, Entity};

pub(crate) use entity::Model as RefreshToken;

/// The token with this hash.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    hash: &str,
) -> Result<Option<RefreshToken>, DbErr> {
    Entity::find().filter(Column::TokenHash.eq(hash)).one(db).await
}

/// Stores a new token.
pub(crate) async fn insert(tx: &Tx, token: RefreshToken) -> Result<(), DbErr> {
    Entity::insert(token.into_active_model()).exec_without_returning(tx).await.map(drop)
}

/// Removes the tokens of `sessions`, a query of their ids.
pub(crate) async fn delete_of(tx: &Tx, sessions: SelectStatement) -> Result<(), DbErr> {
    let of = Column::SessionId.in_subquery(sessions);
    Entity::delete_many().filter(of).exec(tx).await.map(drop)
}

/// Marks a token as traded, once: false if it was before. Its session must be locked. From now on
/// none before it can be answered with its successor again.
pub(crate) async fn spend(
    tx: &Tx,
    token: &RefreshToken,
    now: DateTime<Utc>,
    nonce: &str,
) -> Result<bool, DbErr> {
    let nothing = Expr::value(Option::<String>::None);
    Entity::update_many()
        .col_expr(Column::SuccessorNonce, nothing)
        .filter(Column::SessionId.eq(token.session_id))
        .filter(Column::SuccessorNonce.is_not_null())
        .exec(tx)
        .await?;
    let spent = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now))
        .col_expr(Column::SuccessorNonce, Expr::value(nonce))
        .filter(Column::Id.eq(token.id))
        .filter(Column::UsedAt.is_null())
        .exec(tx)
        .await?;
    Ok(spent.rows_affected == 1)
}
