//! The tables of links to bookings and of the keys that sign them.

use chrono::{DateTime, Utc};
use common::auth::Scope;
use common::db::Tx;
use contracts::link::{LinkAction, LinkView};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Condition, ExprTrait as _};
use sea_orm::{
    DatabaseTransaction, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, Statement, Value,
};

use super::Store;

/// Rows that one statement of the housekeeping takes, so that it stays far below the statement timeout.
const BATCH: u64 = 2_000;
/// Batches of one run; what is left waits for the next.
const BATCHES: u32 = 50;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "booking_link")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub booking_id: Uuid,
    /// The booking's owner when the link was made: it acts for nobody else.
    pub user_id: Uuid,
    pub secret_hash: String,
    pub expires_at: DateTimeUtc,
    pub may_move: bool,
    pub may_cancel: bool,
    pub created_by: Option<Uuid>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What it allows besides looking.
    pub(crate) fn allow(&self) -> Vec<LinkAction> {
        LinkAction::ALL.into_iter().filter(|action| self.allows(*action)).collect()
    }

    pub(crate) fn allows(&self, action: LinkAction) -> bool {
        match action {
            LinkAction::Move => self.may_move,
            LinkAction::Cancel => self.may_cancel,
        }
    }

    pub(crate) fn view(&self) -> LinkView {
        LinkView {
            id: self.id,
            booking_id: self.booking_id,
            expires_at: self.expires_at,
            allow: self.allow(),
            created_by: self.created_by,
            created_at: self.created_at,
        }
    }
}

/// What of links goes together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LinksOf {
    Tenant(Uuid),
    User(Uuid),
}

/// A key and the period in which the links end that are signed with it.
pub(crate) struct StoredKey {
    pub(crate) period: i64,
    pub(crate) secret: Vec<u8>,
}

const MAKE_KEY: &str = "INSERT INTO link_key (period, secret, created_at) VALUES ($1, $2, $3) \
                        ON CONFLICT (period) DO NOTHING";
const KEYS: &str = "SELECT period, secret FROM link_key ORDER BY period";
const ONE_KEY: &str = "SELECT period, secret FROM link_key WHERE period = $1";
const NOBODY_MADE: &str = "UPDATE booking_link SET created_by = NULL WHERE created_by = $1";
const PRUNE: &str = "DELETE FROM booking_link WHERE id IN \
                     (SELECT id FROM booking_link WHERE expires_at <= $1 LIMIT $2)";

impl Store {
    /// The link of this id, whosever it is: who shows its token belongs to no tenant.
    pub(crate) async fn any_link(&self, id: Uuid) -> Result<Option<Model>, DbErr> {
        Entity::find_by_id(id).one(&self.database().read(Scope::All)).await
    }

    /// The links of a booking that have not ended, the oldest first; at most `most`.
    pub(crate) async fn living_links(
        &self,
        conn: &impl ConnectionTrait,
        booking: Uuid,
        now: DateTime<Utc>,
        most: u64,
    ) -> Result<Vec<Model>, DbErr> {
        Entity::find()
            .filter(Column::BookingId.eq(booking).and(Column::ExpiresAt.gt(now)))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(most)
            .all(conn)
            .await
    }

    /// Stores a link.
    pub(crate) async fn add_link(
        &self,
        tx: &DatabaseTransaction,
        link: &Model,
    ) -> Result<(), DbErr> {
        Entity::insert(link.clone().into_active_model()).exec_without_returning(tx).await.map(drop)
    }

    /// Takes a link of a booking away. False: there is none.
    pub(crate) async fn remove_link(
        &self,
        tx: &DatabaseTransaction,
        booking: Uuid,
        id: Uuid,
    ) -> Result<bool, DbErr> {
        let this = Column::Id.eq(id).and(Column::BookingId.eq(booking));
        Ok(Entity::delete_many().filter(this).exec(tx).await?.rows_affected == 1)
    }

    /// Takes the links away that go with what was deleted.
    pub(crate) async fn clear_links(
        &self,
        tx: &DatabaseTransaction,
        whose: LinksOf,
    ) -> Result<u64, DbErr> {
        let these = match whose {
            LinksOf::Tenant(id) => Column::TenantId.eq(id),
            LinksOf::User(id) => Column::UserId.eq(id),
        };
        Ok(Entity::delete_many().filter(these).exec(tx).await?.rows_affected)
    }

    /// Forgets that a user made links to bookings of others.
    pub(crate) async fn forget_maker(
        &self,
        tx: &DatabaseTransaction,
        user: Uuid,
    ) -> Result<u64, DbErr> {
        let backend = tx.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, NOBODY_MADE, [user.into()]);
        Ok(tx.execute_raw(statement).await?.rows_affected())
    }

    /// A page of the links to a user's bookings and of those the user made, one row longer than `limit`
    /// when there are more.
    pub(crate) async fn links_about(
        &self,
        tenant: Uuid,
        user: Uuid,
        after: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<Model>, DbErr> {
        let about = Condition::any().add(Column::UserId.eq(user)).add(Column::CreatedBy.eq(user));
        Entity::find()
            .filter(Column::TenantId.eq(tenant))
            .filter(about)
            .filter(Condition::all().add_option(after.map(|after| Column::Id.gt(after))))
            .order_by_asc(Column::Id)
            .limit(limit + 1)
            .all(&self.database().read(Scope::Tenant(tenant)))
            .await
    }

    /// Forgets the links that have ended, every tenant's.
    pub(crate) async fn prune_links(&self, now: DateTime<Utc>) -> Result<(), DbErr> {
        for _ in 0..BATCHES {
            let batch = self.database().transact(Scope::All, |tx: Tx| async move {
                let values: [Value; 2] = [now.into(), BATCH.cast_signed().into()];
                let backend = tx.get_database_backend();
                let statement = Statement::from_sql_and_values(backend, PRUNE, values);
                Ok::<_, DbErr>(tx.execute_raw(statement).await?.rows_affected())
            });
            if batch.await? < BATCH {
                break;
            }
        }
        Ok(())
    }

    /// The key of a period: the one that is there, else `fresh`. Whoever comes first decides for all.
    pub(crate) async fn key_of(
        &self,
        tx: &DatabaseTransaction,
        period: i64,
        fresh: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Option<StoredKey>, DbErr> {
        let backend = tx.get_database_backend();
        let values: [Value; 3] = [period.into(), fresh.to_vec().into(), now.into()];
        tx.execute_raw(Statement::from_sql_and_values(backend, MAKE_KEY, values)).await?;
        let one = Statement::from_sql_and_values(backend, ONE_KEY, [period.into()]);
        tx.query_one_raw(one).await?.as_ref().map(stored_key).transpose()
    }

    /// Every key there is: a handful.
    pub(crate) async fn link_keys(&self) -> Result<Vec<StoredKey>, DbErr> {
        let db = self.database().read(Scope::All);
        let all = Statement::from_string(db.get_database_backend(), KEYS);
        db.query_all_raw(all).await?.iter().map(stored_key).collect()
    }

    /// Forgets the keys of periods before `period`.
    pub(crate) async fn forget_keys(
        &self,
        tx: &DatabaseTransaction,
        period: i64,
    ) -> Result<(), DbErr> {
        let sql = "DELETE FROM link_key WHERE period < $1";
        let backend = tx.get_database_backend();
        tx.execute_raw(Statement::from_sql_and_values(backend, sql, [period.into()]))
            .await
            .map(drop)
    }
}

fn stored_key(row: &sea_orm::QueryResult) -> Result<StoredKey, DbErr> {
    Ok(StoredKey { period: row.try_get("", "period")?, secret: row.try_get("", "secret")? })
}
