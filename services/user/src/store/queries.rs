//! The statements. Each begins at the tenants a caller may see, except those that a sign-in and the
//! neighbours need: they know no tenant yet.

use common::auth::Scope;
use contracts::authority::PLATFORM;
use contracts::page::fold;
use contracts::user::UserType;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbBackend, DbErr, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select, Statement,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity::{Column, Entity};
use super::user::User;
use super::{Tx, exports, recoveries};

/// The sort key of the list: folded name, then id.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Key(pub(super) String, pub(super) Uuid);

impl Key {
    /// Whether the databases can compare with it; a forged cursor may hold U+0000.
    pub(crate) fn is_sane(&self) -> bool {
        !self.0.contains('\0')
    }
}

/// Which users are wanted.
#[derive(Clone)]
pub(crate) struct Filter {
    /// Of these tenants.
    pub(crate) scope: Scope,
    /// Admins or users only.
    pub(crate) user_type: Option<UserType>,
    /// Active or inactive ones only.
    pub(crate) is_active: Option<bool>,
    /// With this text in name, address, telephone or department, without regard to case.
    pub(crate) search: Option<String>,
}

/// Which part of the list is wanted.
#[derive(Clone)]
pub(crate) struct Window {
    /// Rows after this key.
    pub(crate) after: Option<Key>,
    /// At most so many rows.
    pub(crate) limit: u64,
}

fn within(scope: Scope) -> Select<Entity> {
    match scope {
        Scope::All => Entity::find(),
        Scope::Tenant(tenant) => Entity::find().filter(Column::TenantId.eq(tenant)),
    }
}

/// Those of `scope`. The developer's is all tenants and not the platform: operators are under nobody's
/// hand. Whoever has to do with them names [`PLATFORM`], which is no caller's scope.
fn people(scope: Scope) -> Select<Entity> {
    match scope {
        Scope::Tenant(_) => within(scope),
        Scope::All => within(scope).filter(Column::TenantId.ne(PLATFORM)),
    }
}

fn matching(backend: DbBackend, filter: &Filter) -> Select<Entity> {
    let mut query = people(filter.scope);
    if filter.scope == Scope::Tenant(PLATFORM) {
        // The developer may name any tenant, but operators are in nobody's list.
        query = query.filter(Column::TenantId.ne(PLATFORM));
    }
    if let Some(user_type) = filter.user_type {
        query = query.filter(Column::UserType.eq(user_type.as_str()));
    }
    if let Some(is_active) = filter.is_active {
        query = query.filter(Column::IsActive.eq(is_active));
    }
    if let Some(text) = &filter.search {
        // Never LIKE: `%` and `_` mean themselves.
        let position = if backend == DbBackend::Postgres { "strpos" } else { "instr" };
        let found = Func::cust(position).arg(Expr::col(Column::SearchKey)).arg(fold(text));
        query = query.filter(Expr::expr(found).gt(0));
    }
    query
}

/// A user among those of `scope`.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: Scope,
    id: Uuid,
) -> Result<Option<User>, DbErr> {
    people(scope).filter(Column::Id.eq(id)).one(db).await?.map(User::from_row).transpose()
}

/// Anyone at all: a user or an operator.
pub(crate) async fn find_any(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<User>, DbErr> {
    Entity::find_by_id(id).one(db).await?.map(User::from_row).transpose()
}

/// The operator with an address, whom nobody else may change until the transaction ends.
pub(crate) async fn lock_operator(tx: &Tx, email: &str) -> Result<Option<User>, DbErr> {
    let query = within(Scope::Tenant(PLATFORM)).filter(Column::EmailKey.eq(fold(email)));
    query.lock_exclusive().one(tx).await?.map(User::from_row).transpose()
}

/// A user among those of `scope`, whom nobody else may change until the transaction ends.
pub(crate) async fn lock(tx: &Tx, scope: Scope, id: Uuid) -> Result<Option<User>, DbErr> {
    let query = people(scope).filter(Column::Id.eq(id)).lock_exclusive();
    query.one(tx).await?.map(User::from_row).transpose()
}

/// A part of the list, by name.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    filter: &Filter,
    window: &Window,
) -> Result<Vec<User>, DbErr> {
    let mut query = matching(db.get_database_backend(), filter)
        .order_by_asc(Column::NameKey)
        .order_by_asc(Column::Id);
    if let Some(Key(name, id)) = &window.after {
        let row = Expr::tuple([Expr::col(Column::NameKey), Expr::col(Column::Id)]);
        query = query.filter(row.gt(Expr::tuple([Expr::value(name.clone()), Expr::value(*id)])));
    }
    query.limit(window.limit).all(db).await?.into_iter().map(User::from_row).collect()
}

/// How many users there are in the whole list.
pub(crate) async fn count(db: &impl ConnectionTrait, filter: &Filter) -> Result<u64, DbErr> {
    matching(db.get_database_backend(), filter).count(db).await
}

/// At most two users with an address, in one tenant or in all: a sign-in needs exactly one.
pub(crate) async fn sign_in(
    db: &impl ConnectionTrait,
    email: &str,
    scope: Scope,
) -> Result<Vec<User>, DbErr> {
    let rows = within(scope).filter(Column::EmailKey.eq(fold(email))).limit(2).all(db).await?;
    rows.into_iter().map(User::from_row).collect()
}

/// Makes the first users of a tenant come one after the other: until the transaction ends nobody
/// else holds the tenant. `SQLite` has one writer anyway.
pub(crate) async fn hold_tenant(tx: &Tx, tenant: Uuid) -> Result<(), DbErr> {
    let backend = tx.get_database_backend();
    if backend == DbBackend::Postgres {
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        let statement = Statement::from_sql_and_values(backend, sql, [tenant.to_string().into()]);
        tx.execute_raw(statement).await?;
    }
    Ok(())
}

/// Whether the tenant has no user at all.
pub(crate) async fn is_empty(tx: &Tx, tenant: Uuid) -> Result<bool, DbErr> {
    Ok(within(Scope::Tenant(tenant)).one(tx).await?.is_none())
}

/// Stores a new user.
pub(crate) async fn insert(tx: &Tx, user: &User) -> Result<(), DbErr> {
    Entity::insert(user.to_row()?.into_active_model()).exec_without_returning(tx).await.map(drop)
}

/// Stores a changed user.
pub(crate) async fn update(tx: &Tx, user: &User) -> Result<(), DbErr> {
    user.to_row()?.into_active_model().reset_all().update(tx).await.map(drop)
}

/// Puts a new hash of the same password in the place of the old one, unless it is another by now.
pub(crate) async fn rehash(tx: &Tx, id: Uuid, old: &str, new: &str) -> Result<(), DbErr> {
    let query = Entity::update_many()
        .col_expr(Column::PasswordHash, Expr::value(new))
        .filter(Column::Id.eq(id))
        .filter(Column::PasswordHash.eq(old));
    query.exec(tx).await.map(drop)
}

/// Removes a user.
pub(crate) async fn delete(tx: &Tx, id: Uuid) -> Result<(), DbErr> {
    recoveries::delete_of_user(tx, id).await?;
    exports::delete_of_user(tx, id).await?;
    Entity::delete_by_id(id).exec(tx).await.map(drop)
}

/// Removes every user of a tenant, and the last known settings of it. Returns who went, with the
/// version each had.
pub(crate) async fn delete_of_tenant(tx: &Tx, tenant: Uuid) -> Result<Vec<(Uuid, i64)>, DbErr> {
    let gone: Vec<(Uuid, i64)> = within(Scope::Tenant(tenant))
        .select_only()
        .column(Column::Id)
        .column(Column::Version)
        .lock_exclusive()
        .into_tuple()
        .all(tx)
        .await?;
    recoveries::delete_of_tenant(tx, tenant).await?;
    exports::delete_of_tenant(tx, tenant).await?;
    Entity::delete_many().filter(Column::TenantId.eq(tenant)).exec(tx).await?;
    let sql = "DELETE FROM settings_snapshot WHERE tenant_id = $1";
    let backend = tx.get_database_backend();
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, [tenant.into()])).await?;
    Ok(gone)
}
