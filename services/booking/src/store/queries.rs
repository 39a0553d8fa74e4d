//! Reading and changing bookings, always within a scope.

use chrono::{DateTime, TimeDelta, Utc};
use common::auth::Scope;
use common::db::Engine;
use contracts::BookingStatus;
use contracts::event::BookingEvent;
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, Statement, Value,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity::{Column, Entity};
use super::insert::draft;
use super::{Booking, Store};

/// The most claims one question reads.
pub(super) const MAX_CLAIMS: u64 = 10_000;
/// The most that are read for one claim; among more, those of a shared resource, the sums decide.
const MAX_NEAR: u64 = 2_000;
/// The database refuses longer claims: a booking lies inside one civil day, with at most a day of room
/// before it and after it.
pub(super) const LONGEST_CLAIM: TimeDelta = TimeDelta::hours(96);
/// Locks taken by one statement: a resource's, a person's, an address'.
const LOCKS: usize = 3;
/// Rows changed by one statement of a cascade.
const CASCADE_BATCH: u64 = 500;

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) resource_id: Option<Uuid>,
    pub(crate) user_id: Option<Uuid>,
    pub(crate) status: Option<BookingStatus>,
    pub(crate) series_id: Option<Uuid>,
    pub(crate) group_id: Option<Uuid>,
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) to: Option<DateTime<Utc>>,
}

/// The place of a booking in a list: by start, then by id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SortKey {
    pub(crate) start: DateTime<Utc>,
    pub(crate) id: Uuid,
}

impl SortKey {
    pub(crate) fn of(booking: &Booking) -> Self {
        Self { start: booking.start_time, id: booking.id }
    }
}

/// In the text, not as parameters: only so does a plan for any parameters use the indexes of these
/// states, and without one Postgres plans anew each time, which takes longer than the search.
pub(super) fn takes_interval() -> Expr {
    Expr::cust("booking.status IN ('reservado','pendente','confirmado')")
}

/// A hold, dead or alive; in the text for the same reason.
pub(super) fn is_hold() -> Expr {
    Expr::cust("booking.status = 'reservado'")
}

/// A stretch of a resource's time that is looked through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    pub(crate) tenant: Uuid,
    pub(crate) resource: Uuid,
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    /// Not this booking.
    pub(crate) except: Option<Uuid>,
}

/// The claims of a stretch.
pub(crate) struct Claims {
    /// Bookings and living holds, by start.
    pub(crate) found: Vec<Booking>,
    /// The time by which holds were judged.
    pub(crate) now: DateTime<Utc>,
    /// Whether these are all of them.
    pub(crate) whole: bool,
}

pub(super) fn scoped(scope: Scope) -> Condition {
    match scope {
        Scope::All => Condition::all(),
        Scope::Tenant(tenant) => Condition::all().add(Column::TenantId.eq(tenant)),
    }
}

impl Filter {
    fn condition(&self, scope: Scope) -> Condition {
        scoped(scope)
            .add_option(self.resource_id.map(|id| Column::ResourceId.eq(id)))
            .add_option(self.user_id.map(|id| Column::UserId.eq(id)))
            .add_option(self.status.map(|status| Column::Status.eq(status.as_str())))
            .add_option(self.series_id.map(|id| Column::SeriesId.eq(id)))
            .add_option(self.group_id.map(|id| Column::GroupId.eq(id)))
            .add_option(self.from.map(|from| Column::EndTime.gt(from)))
            .add_option(self.to.map(|to| Column::StartTime.lt(to)))
    }
}

impl Store {
    /// A booking within a scope.
    pub(crate) async fn find(&self, scope: Scope, id: Uuid) -> Result<Option<Booking>, DbErr> {
        Entity::find_by_id(id).filter(scoped(scope)).one(&self.database().read(scope)).await
    }

    /// The same, locked until the transaction ends.
    pub(crate) async fn lock(
        &self,
        tx: &DatabaseTransaction,
        scope: Scope,
        id: Uuid,
    ) -> Result<Option<Booking>, DbErr> {
        let query = Entity::find_by_id(id).filter(scoped(scope));
        match self.database().engine() {
            Engine::Postgres => query.lock_exclusive().one(tx).await,
            Engine::Sqlite => query.one(tx).await,
        }
    }

    /// The same, behind the lock of its resource where its claim is shared: the sums of those are
    /// changed under that lock, and everybody takes it before the row.
    pub(crate) async fn lock_in_order(
        &self,
        tx: &DatabaseTransaction,
        scope: Scope,
        id: Uuid,
    ) -> Result<Option<Booking>, DbErr> {
        if self.database().engine() == Engine::Postgres {
            let seen = Entity::find_by_id(id).filter(scoped(scope)).one(tx).await?;
            let Some(seen) = seen else { return Ok(None) };
            return self.lock_as_seen(tx, scope, &seen).await;
        }
        self.lock(tx, scope, id).await
    }

    /// The same of one that was read before, and whose resource and kind of claim are the same still.
    pub(crate) async fn lock_as_seen(
        &self,
        tx: &DatabaseTransaction,
        scope: Scope,
        seen: &Booking,
    ) -> Result<Option<Booking>, DbErr> {
        if !seen.exclusive {
            self.lock_resources(tx, seen.tenant_id, &mut [seen.resource_id]).await?;
        }
        self.lock(tx, scope, seen.id).await
    }

    /// Makes the writers of these resources wait for each other. An update has no `ON CONFLICT`; two
    /// that race under the exclusion constraint would deadlock for a second. `SQLite` has one writer.
    pub(crate) async fn lock_resources(
        &self,
        tx: &DatabaseTransaction,
        tenant: Uuid,
        resources: &mut [Uuid],
    ) -> Result<(), DbErr> {
        if self.database().engine() == Engine::Sqlite {
            return Ok(());
        }
        resources.sort_unstable();
        let backend = tx.get_database_backend();
        // The locks of one statement are taken in the order in which they stand in it.
        for some in resources.chunks(LOCKS) {
            let lock = |place| format!("pg_advisory_xact_lock(hashtextextended(${place}, 0))");
            let locks: Vec<String> = (1..=some.len()).map(lock).collect();
            let keys = some.iter().map(|resource| Value::from(format!("{tenant}{resource}")));
            let sql = format!("SELECT {}", locks.join(", "));
            tx.query_one_raw(Statement::from_sql_and_values(backend, sql, keys)).await?;
        }
        Ok(())
    }

    /// A page of a list, one row longer than `limit` when there are more.
    pub(crate) async fn list(
        &self,
        scope: Scope,
        filter: &Filter,
        after: Option<SortKey>,
        limit: u64,
    ) -> Result<Vec<Booking>, DbErr> {
        let beyond = after.map(|SortKey { start, id }| {
            let later = Column::StartTime.gt(start);
            later.or(Expr::col(Column::StartTime).eq(start).and(Column::Id.gt(id)))
        });
        Entity::find()
            .filter(filter.condition(scope).add_option(beyond))
            .order_by_asc(Column::StartTime)
            .order_by_asc(Column::Id)
            .limit(limit + 1)
            .all(&self.database().read(scope))
            .await
    }

    /// How many rows a list has.
    pub(crate) async fn count(&self, scope: Scope, filter: &Filter) -> Result<u64, DbErr> {
        Entity::find().filter(filter.condition(scope)).count(&self.database().read(scope)).await
    }

    /// What lies in the way of a claim: bookings, and holds that live; by start.
    pub(crate) async fn claims(
        &self,
        conn: &impl ConnectionTrait,
        reach: &Reach,
    ) -> Result<Claims, DbErr> {
        let Reach { tenant, resource, from, to, except } = *reach;
        let mut found = Entity::find()
            .filter(scoped(Scope::Tenant(tenant)).add(Column::ResourceId.eq(resource)))
            .filter(takes_interval())
            .filter(Column::ClaimStart.lt(to).and(Column::ClaimEnd.gt(from)))
            // No claim is longer, so that the index by start need not be read from its beginning.
            .filter(Column::ClaimStart.gt(from - LONGEST_CLAIM))
            .filter(Condition::all().add_option(except.map(|id| Column::Id.ne(id))))
            .order_by_asc(Column::ClaimStart)
            .order_by_asc(Column::Id)
            .limit(MAX_NEAR)
            .all(conn)
            .await?;
        let whole = found.len() as u64 != MAX_NEAR;
        // The database is asked for the time only where something depends on it.
        if found.iter().all(|booking| booking.hold_ends().is_none()) {
            return Ok(Claims { found, now: self.clock.now(), whole });
        }
        let now = self.now(conn).await?;
        found.retain(|booking| booking.hold_ends().is_none_or(|end| end > now));
        Ok(Claims { found, now, whole })
    }

    /// Stores a changed booking and its event. The row was locked before.
    pub(crate) async fn update(
        &self,
        tx: &DatabaseTransaction,
        booking: &Booking,
        event: &BookingEvent,
        trace_id: &str,
    ) -> Result<(), DbErr> {
        let changed = Entity::update(booking.clone().into_active_model().reset_all()).validate()?;
        match self.database().engine() {
            // One statement writes both.
            Engine::Postgres => {
                let update = changed.build(tx.get_database_backend());
                let draft = draft(booking, event);
                let written = self.outbox().append_with(tx, trace_id, update, &draft).await?;
                if written == 1 { Ok(()) } else { Err(DbErr::RecordNotUpdated) }
            }
            Engine::Sqlite => {
                changed.exec(tx).await?;
                self.outbox().append(tx, trace_id, &[draft(booking, event)]).await
            }
        }
    }

    /// Active bookings of a deleted user or resource, locked, at most a batch.
    pub(crate) async fn active_of(
        &self,
        tx: &DatabaseTransaction,
        filter: &Filter,
    ) -> Result<Vec<Booking>, DbErr> {
        let query = Entity::find()
            .filter(filter.condition(Scope::All).add(takes_interval()))
            .order_by_asc(Column::Id)
            .limit(CASCADE_BATCH);
        match self.database().engine() {
            Engine::Postgres => query.lock_exclusive().all(tx).await,
            Engine::Sqlite => query.all(tx).await,
        }
    }

    /// Removes a deleted tenant's bookings.
    pub(crate) async fn delete_tenant(
        &self,
        tx: &DatabaseTransaction,
        tenant: Uuid,
    ) -> Result<u64, DbErr> {
        let backend = tx.get_database_backend();
        // The sums before the bookings, which else would be taken out of them one by one.
        for table in ["hold_client", "capacity_usage", "capacity_limit"] {
            let sql = format!("DELETE FROM {table} WHERE tenant_id = $1");
            tx.execute_raw(Statement::from_sql_and_values(backend, sql, [tenant.into()])).await?;
        }
        self.delete_series(tx, tenant).await?;
        let gone = Entity::delete_many().filter(Column::TenantId.eq(tenant)).exec(tx).await?;
        Ok(gone.rows_affected)
    }
}
