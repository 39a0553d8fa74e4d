//! The statements. A tenant is its own scope: each names the tenant, except the public list and the
//! search by domain.

use contracts::page::fold;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Tx;
use super::entity::{Column, Entity};
use super::tenant::Tenant;

/// The sort key of the list: folded name, then id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Key(pub(super) String, pub(super) Uuid);

impl Key {
    /// Whether the databases can compare with it; a forged cursor may hold U+0000.
    pub(crate) fn is_sane(&self) -> bool {
        !self.0.contains('\0')
    }
}

/// Which part of the list is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// Rows after this key.
    pub(crate) after: Option<Key>,
    /// At most so many rows.
    pub(crate) limit: u64,
}

/// The tenant of an id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Tenant>, DbErr> {
    Entity::find_by_id(id).one(db).await?.map(Tenant::from_row).transpose()
}

/// The tenant of an id, which nobody else may change until the transaction ends. Of another scope
/// than the transaction's there is none: everyone may see a tenant, only its own people hold it.
pub(crate) async fn lock(tx: &Tx, id: Uuid) -> Result<Option<Tenant>, DbErr> {
    Entity::find_by_id(id).lock_exclusive().one(tx).await?.map(Tenant::from_row).transpose()
}

/// The id of the tenant of a domain, without regard to case.
pub(crate) async fn find_by_domain(
    db: &impl ConnectionTrait,
    domain: &str,
) -> Result<Option<Uuid>, DbErr> {
    let row = Entity::find().filter(Column::DomainKey.eq(fold(domain))).one(db).await?;
    Ok(row.map(|row| row.id))
}

fn matching(is_active: Option<bool>) -> Select<Entity> {
    match is_active {
        Some(is_active) => Entity::find().filter(Column::IsActive.eq(is_active)),
        None => Entity::find(),
    }
}

/// A part of the list of all tenants, or of the active or suspended ones, by name.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    is_active: Option<bool>,
    window: &Window,
) -> Result<Vec<Tenant>, DbErr> {
    let mut query = matching(is_active).order_by_asc(Column::NameKey).order_by_asc(Column::Id);
    if let Some(Key(name, id)) = &window.after {
        let row = Expr::tuple([Expr::col(Column::NameKey), Expr::col(Column::Id)]);
        query = query.filter(row.gt(Expr::tuple([Expr::value(name.clone()), Expr::value(*id)])));
    }
    let rows = query.limit(window.limit).all(db).await?;
    rows.into_iter().map(Tenant::from_row).collect()
}

/// How many tenants there are in the whole list.
pub(crate) async fn count(
    db: &impl ConnectionTrait,
    is_active: Option<bool>,
) -> Result<u64, DbErr> {
    matching(is_active).count(db).await
}

/// Stores a new tenant.
pub(crate) async fn insert(tx: &Tx, tenant: &Tenant) -> Result<(), DbErr> {
    Entity::insert(tenant.to_row()?.into_active_model()).exec_without_returning(tx).await.map(drop)
}

/// Stores a changed tenant.
pub(crate) async fn update(tx: &Tx, tenant: &Tenant) -> Result<(), DbErr> {
    tenant.to_row()?.into_active_model().reset_all().update(tx).await.map(drop)
}

/// Removes a tenant.
pub(crate) async fn delete(tx: &Tx, id: Uuid) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(tx).await.map(drop)
}
