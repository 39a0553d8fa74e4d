//! The API keys in the database. Each statement names the tenant, except the two that begin at a key
//! somebody has shown: no tenant is known yet.

mod entity;

use chrono::{DateTime, Utc};
use contracts::api_key::ApiKeyView;
use contracts::facts::ApiKeyFacts;
use contracts::user::Permissions;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Tx;
use entity::{Column, Entity};

pub(crate) use entity::Model as ApiKey;

/// The sort key of the list: when it was made, then id.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Key(pub(crate) DateTime<Utc>, pub(crate) Uuid);

impl ApiKey {
    /// Whether it could still be used: neither revoked nor expired.
    pub(crate) fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }

    /// What its tenant's admins may see.
    pub(crate) fn view(self) -> Result<ApiKeyView, DbErr> {
        let scopes = self.permissions()?;
        let Self { id, tenant_id, name, prefix, created_by, created_at, .. } = self;
        let (expires_at, last_used_at) = (self.expires_at, self.last_used_at);
        let revoked_at = self.revoked_at;
        Ok(ApiKeyView {
            id,
            tenant_id,
            name,
            prefix,
            scopes,
            expires_at,
            last_used_at,
            created_by,
            created_at,
            revoked_at,
        })
    }

    /// What the neighbours decide by.
    pub(crate) fn facts(&self) -> Result<ApiKeyFacts, DbErr> {
        Ok(ApiKeyFacts {
            id: self.id,
            tenant_id: self.tenant_id,
            scopes: self.permissions()?,
            expires_at: self.expires_at,
            is_active: self.revoked_at.is_none(),
        })
    }

    fn permissions(&self) -> Result<Permissions, DbErr> {
        serde_json::from_value(self.scopes.clone())
            .map_err(|_| DbErr::Custom(format!("API key {}: stored scopes not readable", self.id)))
    }
}

fn of(tenant: Uuid) -> Select<Entity> {
    Entity::find().filter(Column::TenantId.eq(tenant))
}

/// A key of a tenant.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    tenant: Uuid,
    id: Uuid,
) -> Result<Option<ApiKey>, DbErr> {
    of(tenant).filter(Column::Id.eq(id)).one(db).await
}

/// A key of a tenant, which nobody else may change until the transaction ends.
pub(crate) async fn lock(tx: &Tx, tenant: Uuid, id: Uuid) -> Result<Option<ApiKey>, DbErr> {
    of(tenant).filter(Column::Id.eq(id)).lock_exclusive().one(tx).await
}

/// The key with this hash, whosever it is.
pub(crate) async fn by_hash(
    db: &impl ConnectionTrait,
    hash: &str,
) -> Result<Option<ApiKey>, DbErr> {
    Entity::find().filter(Column::KeyHash.eq(hash)).one(db).await
}

/// How many keys of a tenant could be used now.
pub(crate) async fn live(tx: &Tx, tenant: Uuid, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let lasting = Condition::any().add(Column::ExpiresAt.is_null()).add(Column::ExpiresAt.gt(now));
    of(tenant).filter(Column::RevokedAt.is_null()).filter(lasting).count(tx).await
}

/// A part of the list of a tenant's keys, the oldest first.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    tenant: Uuid,
    after: Option<&Key>,
    limit: u64,
) -> Result<Vec<ApiKey>, DbErr> {
    let mut query = of(tenant).order_by_asc(Column::CreatedAt).order_by_asc(Column::Id);
    if let Some(Key(at, id)) = after {
        let row = Expr::tuple([Expr::col(Column::CreatedAt), Expr::col(Column::Id)]);
        query = query.filter(row.gt(Expr::tuple([Expr::value(*at), Expr::value(*id)])));
    }
    query.limit(limit).all(db).await
}

/// How many keys a tenant has in all.
pub(crate) async fn count(db: &impl ConnectionTrait, tenant: Uuid) -> Result<u64, DbErr> {
    of(tenant).count(db).await
}

/// Stores a new key.
pub(crate) async fn insert(tx: &Tx, key: ApiKey) -> Result<(), DbErr> {
    Entity::insert(key.into_active_model()).exec_without_returning(tx).await.map(drop)
}

/// Stores a changed key.
pub(crate) async fn update(tx: &Tx, key: ApiKey) -> Result<(), DbErr> {
    key.into_active_model().reset_all().update(tx).await.map(drop)
}

/// Every key of a tenant that a user made, the oldest first.
pub(crate) async fn made_by(
    db: &impl ConnectionTrait,
    tenant: Uuid,
    user: Uuid,
) -> Result<Vec<ApiKey>, DbErr> {
    let query = of(tenant).filter(Column::CreatedBy.eq(user));
    query.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id).all(db).await
}

/// Forgets who made the keys of a user. They go on: they are the tenant's.
pub(crate) async fn forget_maker(tx: &Tx, tenant: Uuid, user: Uuid) -> Result<(), DbErr> {
    let nobody = Expr::value(Option::<Uuid>::None);
    let update = Entity::update_many().col_expr(Column::CreatedBy, nobody);
    let made = update.filter(Column::TenantId.eq(tenant)).filter(Column::CreatedBy.eq(user));
    made.exec(tx).await.map(drop)
}

/// Removes every key of a tenant.
pub(crate) async fn delete_of_tenant(tx: &Tx, tenant: Uuid) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::TenantId.eq(tenant)).exec(tx).await.map(drop)
}
