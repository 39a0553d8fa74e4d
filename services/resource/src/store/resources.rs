//! Reading and changing resources.

use common::auth::Scope;
use contracts::page::fold;
use contracts::resource::ResourceStatus;
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func, LockType, SimpleExpr};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseBackend, DbErr,
    EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use uuid::Uuid;

use super::list::{SortKey, after, scoped};
use super::resource::{Column, Entity, Model};
use super::{Category, category};

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) category_id: Option<Uuid>,
    pub(crate) status: Option<ResourceStatus>,
    /// A literal substring of name, description or location; case does not count.
    pub(crate) search: Option<String>,
    /// Keys of `attributes` with the text form their value must have.
    pub(crate) attributes: Vec<(String, String)>,
}

impl Filter {
    fn condition(&self, backend: DatabaseBackend, scope: Scope) -> Condition {
        let mut all = scoped(Column::TenantId, scope)
            .add_option(self.category_id.map(|id| Column::CategoryId.eq(id)))
            .add_option(self.status.map(|status| Column::Status.eq(status.as_str())))
            .add_option(self.search.as_deref().map(|text| found(backend, text)));
        for (key, text) in &self.attributes {
            all = all.add(attribute(backend, key, text));
        }
        all
    }
}

/// Not LIKE: `%` and `_` mean themselves.
fn found(backend: DatabaseBackend, text: &str) -> SimpleExpr {
    let position = if backend == DatabaseBackend::Postgres { "strpos" } else { "instr" };
    let column = Expr::col((Entity, Column::SearchKey));
    Expr::expr(Func::cust(position).arg(column).arg(fold(text))).gt(0)
}

/// Keys are values here, never part of the SQL or of a JSON path, so that dots and quotes mean
/// themselves.
fn attribute(backend: DatabaseBackend, key: &str, text: &str) -> SimpleExpr {
    let sql = if backend == DatabaseBackend::Postgres {
        r#"("resource"."attribute_texts" ->> $1) = $2"#
    } else {
        r#"EXISTS (SELECT 1 FROM json_each("resource"."attribute_texts") AS "entry" WHERE "entry"."key" = ? AND "entry"."value" = ?)"#
    };
    Expr::cust_with_values(sql, [key, text])
}

/// A resource of the scope with its category.
pub(crate) async fn find_whole(
    conn: &impl ConnectionTrait,
    scope: Scope,
    id: Uuid,
) -> Result<Option<(Model, Category)>, DbErr> {
    let found = Entity::find_by_id(id)
        .find_also_related(category::Entity)
        .filter(scoped(Column::TenantId, scope))
        .one(conn)
        .await?;
    Ok(found.and_then(whole))
}

/// A resource of the scope, to be changed in this transaction.
pub(crate) async fn lock(
    tx: &impl ConnectionTrait,
    scope: Scope,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    let scope = scoped(Column::TenantId, scope);
    // Not FOR UPDATE: that would block the foreign key's look at a category being deleted.
    Entity::find_by_id(id).filter(scope).lock(LockType::NoKeyUpdate).one(tx).await
}

/// A resource of the tenant, which does not go until the transaction ends.
pub(crate) async fn hold(
    tx: &impl ConnectionTrait,
    tenant: Uuid,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    let scope = scoped(Column::TenantId, Scope::Tenant(tenant));
    Entity::find_by_id(id).filter(scope).lock(LockType::KeyShare).one(tx).await
}

/// Makes the writers of these resources wait until the transaction ends.
pub(crate) async fn lock_all(
    tx: &impl ConnectionTrait,
    scope: Scope,
    ids: &[Uuid],
) -> Result<(), DbErr> {
    if ids.is_empty() {
        return Ok(());
    }
    let these = scoped(Column::TenantId, scope).add(Column::Id.is_in(ids.iter().copied()));
    let query = Entity::find().filter(these).order_by_asc(Column::Id);
    query.lock(LockType::NoKeyUpdate).all(tx).await.map(drop)
}

/// The resources of a category that take more than one booking at one instant if they are shared; at
/// most so many, by id.
pub(crate) async fn of_many(
    tx: &impl ConnectionTrait,
    tenant: Uuid,
    category: Uuid,
    most: usize,
) -> Result<Vec<Model>, DbErr> {
    let these = scoped(Column::TenantId, Scope::Tenant(tenant))
        .add(Column::CategoryId.eq(category))
        .add(Column::Capacity.gt(1));
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    Entity::find().filter(these).order_by_asc(Column::Id).limit(limit).all(tx).await
}

/// At most `limit` resources by name, after a place in the list.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    scope: Scope,
    filter: &Filter,
    place: Option<&SortKey>,
    limit: u64,
) -> Result<Vec<(Model, Category)>, DbErr> {
    let place = place.map(|key| after(Column::NameKey, Column::Id, key));
    let rows = Entity::find()
        .find_also_related(category::Entity)
        .filter(filter.condition(conn.get_database_backend(), scope).add_option(place))
        .order_by_asc(Column::NameKey)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(conn)
        .await?;
    Ok(rows.into_iter().filter_map(whole).collect())
}

/// How many resources the whole list has.
pub(crate) async fn count(
    conn: &impl ConnectionTrait,
    scope: Scope,
    filter: &Filter,
) -> Result<u64, DbErr> {
    let condition = filter.condition(conn.get_database_backend(), scope);
    Entity::find().filter(condition).count(conn).await
}

/// The foreign key sees to it that there always is a category.
fn whole((resource, category): (Model, Option<Category>)) -> Option<(Model, Category)> {
    category.map(|category| (resource, category))
}

/// Writes a new resource.
pub(crate) async fn insert(tx: &impl ConnectionTrait, resource: &Model) -> Result<(), DbErr> {
    let row = resource.clone().into_active_model();
    Entity::insert(row).exec_without_returning(tx).await.map(drop)
}

/// Writes the whole of a locked resource.
pub(crate) async fn update(tx: &impl ConnectionTrait, resource: &Model) -> Result<(), DbErr> {
    resource.clone().into_active_model().reset_all().update(tx).await.map(drop)
}

/// Deletes a locked resource.
pub(crate) async fn delete(tx: &impl ConnectionTrait, resource: &Model) -> Result<(), DbErr> {
    let tenant = Column::TenantId.eq(resource.tenant_id);
    Entity::delete_many().filter(tenant).filter(Column::Id.eq(resource.id)).exec(tx).await.map(drop)
}

/// Deletes the resources of a tenant that is gone.
pub(crate) async fn purge(tx: &impl ConnectionTrait, tenant: Uuid) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::TenantId.eq(tenant)).exec(tx).await.map(drop)
}
