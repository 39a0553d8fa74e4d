//! Reading and changing categories.

use common::auth::Scope;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::category::{Column, Entity, Model};
use super::list::{SortKey, after, scoped};

/// A category of the scope.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    scope: Scope,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).filter(scoped(Column::TenantId, scope)).one(conn).await
}

/// A category of the tenant, which neither changes nor goes until the transaction ends.
pub(crate) async fn hold(
    tx: &impl ConnectionTrait,
    tenant: Uuid,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    let scope = scoped(Column::TenantId, Scope::Tenant(tenant));
    Entity::find_by_id(id).filter(scope).lock(LockType::Share).one(tx).await
}

/// A category of the scope, to be changed in this transaction.
pub(crate) async fn lock(
    tx: &impl ConnectionTrait,
    scope: Scope,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    let scope = scoped(Column::TenantId, scope);
    Entity::find_by_id(id).filter(scope).lock(LockType::NoKeyUpdate).one(tx).await
}

/// At most `limit` categories by name, after a place in the list.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    scope: Scope,
    place: Option<&SortKey>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let place = place.map(|key| after(Column::NameKey, Column::Id, key));
    Entity::find()
        .filter(scoped(Column::TenantId, scope).add_option(place))
        .order_by_asc(Column::NameKey)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(conn)
        .await
}

/// How many categories the whole list has.
pub(crate) async fn count(conn: &impl ConnectionTrait, scope: Scope) -> Result<u64, DbErr> {
    Entity::find().filter(scoped(Column::TenantId, scope)).count(conn).await
}

/// Writes a new category.
pub(crate) async fn insert(tx: &impl ConnectionTrait, category: &Model) -> Result<(), DbErr> {
    let row = category.clone().into_active_model();
    Entity::insert(row).exec_without_returning(tx).await.map(drop)
}

/// Writes the whole of a locked category.
pub(crate) async fn update(tx: &impl ConnectionTrait, category: &Model) -> Result<(), DbErr> {
    category.clone().into_active_model().reset_all().update(tx).await.map(drop)
}

/// Deletes a category; whether there was one. The database refuses while a resource uses it.
pub(crate) async fn delete(
    tx: &impl ConnectionTrait,
    scope: Scope,
    id: Uuid,
) -> Result<bool, DbErr> {
    let rows = Entity::delete_many()
        .filter(scoped(Column::TenantId, scope).add(Column::Id.eq(id)))
        .exec(tx)
        .await?;
    Ok(rows.rows_affected > 0)
}

/// Deletes the categories of a tenant that is gone; its resources went before.
pub(crate) async fn purge(tx: &impl ConnectionTrait, tenant: Uuid) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::TenantId.eq(tenant)).exec(tx).await.map(drop)
}
