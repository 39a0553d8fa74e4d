//! Reading and changing date overrides and closures.

use chrono::NaiveDate;
use common::auth::Scope;
use contracts::exception::{ExceptionFacts, ExceptionLevel};
use sea_orm::sea_query::{Condition, ExprTrait as _, LockType};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseBackend, DbErr,
    EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Statement,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Resource;
use super::exception::{Column, Entity, Model, Target};
use super::list::scoped;

/// The most exceptions that count for one resource: as many as three levels can have, and a few that
/// two writers of different levels cannot exceed.
pub(crate) const MOST: u64 = 2_000;
/// Rows of one statement: `SQLite` takes at most 32,766 values.
const CHUNK: usize = 200;

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) level: Option<ExceptionLevel>,
    pub(crate) category_id: Option<Uuid>,
    pub(crate) resource_id: Option<Uuid>,
    /// Those that are not over before it.
    pub(crate) from: Option<NaiveDate>,
    /// Those that have begun by it.
    pub(crate) to: Option<NaiveDate>,
}

/// The place of an exception in a list: by start, then by id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DateKey {
    pub(crate) start: NaiveDate,
    pub(crate) id: Uuid,
}

impl DateKey {
    pub(crate) fn of(exception: &Model) -> Self {
        Self { start: exception.start_date, id: exception.id }
    }
}

impl Filter {
    /// A yearly one comes in every year, so it is in every range.
    fn condition(&self, scope: Scope) -> Condition {
        let yearly = || Column::Yearly.eq(true);
        scoped(Column::TenantId, scope)
            .add_option(self.level.map(|level| Column::Level.eq(level.as_str())))
            .add_option(self.category_id.map(|id| Column::CategoryId.eq(id)))
            .add_option(self.resource_id.map(|id| Column::ResourceId.eq(id)))
            .add_option(self.from.map(|from| yearly().or(Column::EndDate.gte(from))))
            .add_option(self.to.map(|to| yearly().or(Column::StartDate.lte(to))))
    }
}

/// An exception of the scope.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    scope: Scope,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).filter(scoped(Column::TenantId, scope)).one(conn).await
}

/// An exception of the scope, to be changed in this transaction.
pub(crate) async fn lock(
    tx: &impl ConnectionTrait,
    scope: Scope,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    let scope = scoped(Column::TenantId, scope);
    Entity::find_by_id(id).filter(scope).lock(LockType::NoKeyUpdate).one(tx).await
}

/// At most `limit` exceptions by start, after a place in the list.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    scope: Scope,
    filter: &Filter,
    place: Option<&DateKey>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let beyond = place.map(|key| {
        let later = Column::StartDate.gt(key.start);
        later.or(Column::StartDate.eq(key.start).and(Column::Id.gt(key.id)))
    });
    Entity::find()
        .filter(filter.condition(scope).add_option(beyond))
        .order_by_asc(Column::StartDate)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(conn)
        .await
}

/// How many exceptions the whole list has.
pub(crate) async fn count(
    conn: &impl ConnectionTrait,
    scope: Scope,
    filter: &Filter,
) -> Result<u64, DbErr> {
    Entity::find().filter(filter.condition(scope)).count(conn).await
}

fn of(target: &Target) -> Condition {
    scoped(Column::TenantId, Scope::Tenant(target.tenant))
        .add(Column::Level.eq(target.level().as_str()))
        .add_option(target.category.map(|id| Column::CategoryId.eq(id)))
        .add_option(target.resource.map(|id| Column::ResourceId.eq(id)))
}

/// Makes the writers of one target wait for each other, so that they can count. `SQLite` has one
/// writer.
pub(crate) async fn lock_target(tx: &impl ConnectionTrait, target: &Target) -> Result<(), DbErr> {
    if tx.get_database_backend() != DatabaseBackend::Postgres {
        return Ok(());
    }
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 1))";
    let key = target.resource.or(target.category).unwrap_or(target.tenant).to_string();
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [key.into()]);
    tx.query_one_raw(statement).await.map(drop)
}

/// How many exceptions a target has.
pub(crate) async fn count_of(tx: &impl ConnectionTrait, target: &Target) -> Result<u64, DbErr> {
    Entity::find().filter(of(target)).count(tx).await
}

/// What was imported into a target from these events, to be changed in this transaction.
pub(crate) async fn imported(
    tx: &impl ConnectionTrait,
    target: &Target,
    uids: &[String],
) -> Result<Vec<Model>, DbErr> {
    let from = of(target).add(Column::SourceUid.is_in(uids.iter().map(String::as_str)));
    Entity::find().filter(from).order_by_asc(Column::Id).lock(LockType::NoKeyUpdate).all(tx).await
}

/// Writes new exceptions.
pub(crate) async fn insert(tx: &impl ConnectionTrait, exceptions: &[Model]) -> Result<(), DbErr> {
    for chunk in exceptions.chunks(CHUNK) {
        let rows = chunk.iter().cloned().map(Model::into_active_model);
        Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Writes the whole of a locked exception.
pub(crate) async fn update(tx: &impl ConnectionTrait, exception: &Model) -> Result<(), DbErr> {
    exception.clone().into_active_model().reset_all().update(tx).await.map(drop)
}

/// Deletes exceptions of one tenant.
pub(crate) async fn delete(
    tx: &impl ConnectionTrait,
    tenant: Uuid,
    exceptions: &[Model],
) -> Result<(), DbErr> {
    for chunk in exceptions.chunks(CHUNK) {
        let ids = Column::Id.is_in(chunk.iter().map(|exception| exception.id));
        let mine = Column::TenantId.eq(tenant);
        Entity::delete_many().filter(mine).filter(ids).exec(tx).await?;
    }
    Ok(())
}

/// Deletes the exceptions of a tenant that is gone.
pub(crate) async fn purge(tx: &impl ConnectionTrait, tenant: Uuid) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::TenantId.eq(tenant)).exec(tx).await.map(drop)
}

/// The exceptions of a resource, its category and its tenant that are not over on a date.
pub(crate) async fn of_resource(
    conn: &impl ConnectionTrait,
    resource: &Resource,
    today: NaiveDate,
) -> Result<Vec<ExceptionFacts>, DbErr> {
    let level = |level: ExceptionLevel| Column::Level.eq(level.as_str());
    let target = Condition::any()
        .add(level(ExceptionLevel::Tenant))
        .add(Column::CategoryId.eq(resource.category_id))
        .add(Column::ResourceId.eq(resource.id));
    let found = Entity::find()
        .filter(Column::TenantId.eq(resource.tenant_id))
        .filter(target)
        .filter(Condition::any().add(Column::Yearly.eq(true)).add(Column::EndDate.gte(today)))
        .order_by_asc(Column::Id)
        .limit(MOST)
        .all(conn)
        .await?;
    Ok(found.into_iter().map(Model::facts).collect())
}

/// Every exception of a tenant that is not over on a date, by id, at most `limit`.
pub(crate) async fn of_tenant(
    conn: &impl ConnectionTrait,
    tenant: Uuid,
    today: NaiveDate,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::TenantId.eq(tenant))
        .filter(Condition::any().add(Column::Yearly.eq(true)).add(Column::EndDate.gte(today)))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(conn)
        .await
}

/// The exceptions of a tenant and its category, and of some of its resources, that are not over on a
/// date.
pub(crate) async fn of_category(
    conn: &impl ConnectionTrait,
    (tenant, category): (Uuid, Uuid),
    resources: &[Uuid],
    today: NaiveDate,
) -> Result<Vec<Model>, DbErr> {
    let target = Condition::any()
        .add(Column::Level.eq(ExceptionLevel::Tenant.as_str()))
        .add(Column::CategoryId.eq(category))
        .add(Column::ResourceId.is_in(resources.iter().copied()));
    Entity::find()
        .filter(Column::TenantId.eq(tenant))
        .filter(target)
        .filter(Condition::any().add(Column::Yearly.eq(true)).add(Column::EndDate.gte(today)))
        .order_by_asc(Column::Id)
        .all(conn)
        .await
}
