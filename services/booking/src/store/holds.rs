//! Holds in the database, and by whose clock they are judged.

use chrono::{DateTime, Utc};
use common::auth::Scope;
use common::db::{Engine, Tx};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Statement, Value,
};
use uuid::Uuid;

use super::entity::{Column, Entity};
use super::queries::is_hold;
use super::{Booking, Gone, Store};

/// Holds that one statement reads.
const BATCH: u64 = 500;

/// Whose living holds are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum HoldCount<'a> {
    /// Those for a user.
    User(Uuid),
    /// Those made from one address, by its mark.
    Client(&'a str),
}

impl Store {
    /// By whose clock holds live. Replicas' clocks may differ by seconds, so the machine's own gives way
    /// to the database's; one that is moved by hand counts, and `SQLite` has no other.
    fn by_database(&self) -> bool {
        self.database().engine() == Engine::Postgres && self.clock.is_machines()
    }

    /// Now, as far as holds are concerned.
    pub(crate) async fn now(&self, conn: &impl ConnectionTrait) -> Result<DateTime<Utc>, DbErr> {
        if !self.by_database() {
            return Ok(self.clock.now());
        }
        let sql = "SELECT clock_timestamp() AS now";
        let statement = Statement::from_string(conn.get_database_backend(), sql);
        let row = conn.query_one_raw(statement).await?;
        row.ok_or_else(|| DbErr::RecordNotFound("the time".to_owned()))?.try_get("", "now")
    }

    /// The same, as a part of a statement.
    fn moment(&self) -> Expr {
        if self.by_database() {
            Expr::cust("clock_timestamp()")
        } else {
            Expr::value(self.clock.now())
        }
    }

    /// Holds of these resources that are dead, locked.
    pub(crate) async fn dead_holds(
        &self,
        tx: &DatabaseTransaction,
        resources: &[Uuid],
    ) -> Result<Vec<Booking>, DbErr> {
        let query = Entity::find()
            .filter(Column::ResourceId.is_in(resources.iter().copied()))
            .filter(is_hold())
            .filter(Expr::col(Column::ExpiresAt).lte(self.moment()))
            .order_by_asc(Column::Id)
            .limit(BATCH);
        match self.database().engine() {
            Engine::Postgres => query.lock_exclusive().all(tx).await,
            Engine::Sqlite => query.all(tx).await,
        }
    }

    /// Where holds are dead, of every tenant, at most a batch: tenant and resource.
    pub(crate) async fn where_holds_died(&self) -> Result<Vec<(Uuid, Uuid)>, DbErr> {
        // Housekeeping: every tenant's.
        let conn = self.database().read(Scope::All);
        Entity::find()
            .select_only()
            .columns([Column::TenantId, Column::ResourceId])
            .distinct()
            .filter(is_hold())
            .filter(Expr::col(Column::ExpiresAt).lte(self.moment()))
            .limit(BATCH)
            .into_tuple()
            .all(&conn)
            .await
    }

    /// When living holds expire, the first one first, at most `most`.
    pub(crate) async fn living_holds(
        &self,
        conn: &impl ConnectionTrait,
        tenant: Uuid,
        whose: HoldCount<'_>,
        most: u64,
    ) -> Result<Vec<DateTime<Utc>>, DbErr> {
        let query = Entity::find()
            .select_only()
            .column(Column::ExpiresAt)
            .filter(Column::TenantId.eq(tenant))
            .filter(is_hold())
            .filter(Expr::col(Column::ExpiresAt).gt(self.moment()))
            .order_by_asc(Column::ExpiresAt)
            .limit(most);
        let query = match whose {
            HoldCount::User(user) => query.filter(Column::UserId.eq(user)),
            HoldCount::Client(mark) => {
                let mut made = Query::select();
                made.column("booking_id").from("hold_client");
                made.and_where(Expr::col("tenant_id").eq(tenant));
                made.and_where(Expr::col("client").eq(mark));
                query.filter(Column::Id.in_subquery(made))
            }
        };
        query.into_tuple().all(conn).await
    }

    /// The time, how many living holds a user has, and how many were made from an address. Postgres: one
    /// statement.
    pub(crate) async fn holds_now(
        &self,
        tx: &DatabaseTransaction,
        (tenant, user): (Uuid, Uuid),
        mark: Option<&str>,
    ) -> Result<(DateTime<Utc>, i64, i64), DbErr> {
        let mut values: Vec<Value> = vec![tenant.into(), user.into(), mark.into()];
        let mut moment = "clock_timestamp()";
        if !self.by_database() {
            values.push(self.clock.now().into());
            moment = "$4";
        }
        let sql = format!(
            "SELECT {moment} AS now, (SELECT count(*) FROM booking WHERE tenant_id = $1 \
             AND user_id = $2 AND status = 'reservado' AND expires_at > {moment}) AS of_user, \
             (SELECT count(*) FROM hold_client c JOIN booking b ON b.id = c.booking_id \
             WHERE c.tenant_id = $1 AND c.client = $3 AND b.status = 'reservado' \
             AND b.expires_at > {moment}) AS of_client"
        );
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
        let row = tx.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("a count".to_owned()))?;
        Ok((row.try_get("", "now")?, row.try_get("", "of_user")?, row.try_get("", "of_client")?))
    }

    /// The time, and the first of `ids` that was deleted.
    pub(crate) async fn now_and_gone(
        &self,
        tx: &DatabaseTransaction,
        ids: &[Uuid; 3],
    ) -> Result<(DateTime<Utc>, Option<Gone>), DbErr> {
        if !self.by_database() {
            return Ok((self.clock.now(), Gone::any(tx, ids).await?));
        }
        let sql = "SELECT clock_timestamp() AS now, \
                   (SELECT kind FROM tombstone WHERE id IN ($1, $2, $3) LIMIT 1) AS kind";
        let values: [Value; 3] = ids.map(Into::into);
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
        let row = tx.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("the time".to_owned()))?;
        let kind: Option<String> = row.try_get("", "kind")?;
        Ok((row.try_get("", "now")?, kind.as_deref().and_then(Gone::parse)))
    }

    /// Remembers from where a hold was made, for as long as it is one.
    pub(crate) async fn remember_client(
        &self,
        tx: &DatabaseTransaction,
        hold: &Booking,
        mark: &str,
    ) -> Result<(), DbErr> {
        let sql = "INSERT INTO hold_client (booking_id, tenant_id, client) VALUES ($1, $2, $3)";
        let values: [Value; 3] = [hold.id.into(), hold.tenant_id.into(), mark.into()];
        tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values))
            .await
            .map(drop)
    }

    /// Forgets from where bookings came that are no holds any more.
    pub(crate) async fn forget_clients(&self) -> Result<(), DbErr> {
        let sql = "DELETE FROM hold_client WHERE NOT EXISTS (SELECT 1 FROM booking \
                   WHERE booking.id = hold_client.booking_id AND booking.status = 'reservado')";
        let forget = |tx: Tx| async move { tx.execute_unprepared(sql).await };
        // Housekeeping: every tenant's.
        self.database().transact(Scope::All, forget).await.map(drop)
    }
}
