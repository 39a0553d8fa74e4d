//! Series and other bookings that are made or changed together.

use chrono::{DateTime, Utc};
use common::auth::Scope;
use common::db::Engine;
use common::streams::Draft;
use contracts::BookingStatus;
use contracts::event::BookingEvent;
use scheduling::Span;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Condition, OnConflict};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, FromQueryResult, IntoActiveModel as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::{Column as BookingColumn, Entity as Bookings};
use super::insert::{created, draft};
use super::queries::{LONGEST_CLAIM, MAX_CLAIMS, scoped, takes_interval};
use super::{Booking, Inserted, Store};

/// Rows of one INSERT: some forty parameters each.
const CHUNK: usize = 100;
/// Stretches of time that one question is about; fewer where many claims may lie in each.
const STRETCHES: usize = 100;
const SHARED_STRETCHES: usize = 10;
/// The most bookings of a person that limits are counted over.
const MAX_COUNTED: u64 = 50_000;

/// The `booking_series` table.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "booking_series")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub user_id: Uuid,
    pub resource_id: Uuid,
    /// A `SeriesRule` as JSON.
    pub rule: String,
    /// What the clock of `zone` shows at the first start.
    pub wall_start: String,
    pub zone: String,
    pub duration_seconds: i64,
    pub split_from: Option<Uuid>,
    pub ends_before: Option<DateTimeUtc>,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a limit counts of a booking.
#[derive(Debug, Clone, FromQueryResult)]
pub(crate) struct CountedBooking {
    pub(crate) id: Uuid,
    pub(crate) start_time: DateTimeUtc,
    pub(crate) end_time: DateTimeUtc,
    pub(crate) category_id: Option<Uuid>,
    pub(crate) resource_id: Uuid,
    pub(crate) status: String,
}

/// Bookings that belong together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Together {
    /// Those of a series from an index on that start after an instant and are active.
    Series { id: Uuid, from: i32, after: DateTime<Utc> },
    /// All of a group.
    Group(Uuid),
}

impl Store {
    /// A series within a scope.
    pub(crate) async fn series(
        &self,
        conn: &impl ConnectionTrait,
        scope: Scope,
        id: Uuid,
    ) -> Result<Option<Model>, DbErr> {
        let own = match scope {
            Scope::All => Condition::all(),
            Scope::Tenant(tenant) => Condition::all().add(Column::TenantId.eq(tenant)),
        };
        Entity::find_by_id(id).filter(own).one(conn).await
    }

    /// Stores a new series.
    pub(crate) async fn add_series(
        &self,
        tx: &DatabaseTransaction,
        series: &Model,
    ) -> Result<(), DbErr> {
        let row = series.clone().into_active_model();
        Entity::insert(row).exec_without_returning(tx).await.map(drop)
    }

    /// Stores a changed series.
    pub(crate) async fn update_series(
        &self,
        tx: &DatabaseTransaction,
        series: &Model,
    ) -> Result<(), DbErr> {
        let row = series.clone().into_active_model().reset_all();
        Entity::update(row).exec(tx).await.map(drop)
    }

    /// A page of a user's series, one row longer than `limit` when there are more.
    pub(crate) async fn series_of(
        &self,
        tenant: Uuid,
        user: Uuid,
        after: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<Model>, DbErr> {
        Entity::find()
            .filter(Column::TenantId.eq(tenant))
            .filter(Column::UserId.eq(user))
            .filter(Condition::all().add_option(after.map(|after| Column::Id.gt(after))))
            .order_by_asc(Column::Id)
            .limit(limit + 1)
            .all(&self.database().read(Scope::Tenant(tenant)))
            .await
    }

    /// Removes a deleted tenant's series.
    pub(super) async fn delete_series(
        &self,
        tx: &DatabaseTransaction,
        tenant: Uuid,
    ) -> Result<(), DbErr> {
        Entity::delete_many().filter(Column::TenantId.eq(tenant)).exec(tx).await.map(drop)
    }

    /// What lies in the way of any of these claims, which are in order: as [`Store::claims`].
    pub(crate) async fn claims_among(
        &self,
        conn: &impl ConnectionTrait,
        (tenant, resource): (Uuid, Uuid),
        (claims, shared): (&[Span], bool),
        now: DateTime<Utc>,
    ) -> Result<Vec<Booking>, DbErr> {
        let mut found: Vec<Booking> = Vec::new();
        let alive = Condition::any()
            .add(BookingColumn::Status.ne(BookingStatus::Reservado.as_str()))
            .add(BookingColumn::ExpiresAt.gt(now));
        for some in claims.chunks(if shared { SHARED_STRETCHES } else { STRETCHES }) {
            let mut any = Condition::any();
            for claim in some {
                let (from, to) = (claim.start(), claim.end());
                any = any.add(
                    Condition::all()
                        .add(BookingColumn::ClaimStart.lt(to))
                        .add(BookingColumn::ClaimEnd.gt(from))
                        .add(BookingColumn::ClaimStart.gt(from - LONGEST_CLAIM)),
                );
            }
            let rows = Bookings::find()
                .filter(scoped(Scope::Tenant(tenant)))
                .filter(BookingColumn::ResourceId.eq(resource))
                .filter(takes_interval())
                .filter(alive.clone())
                .filter(any)
                .order_by_asc(BookingColumn::ClaimStart)
                .limit(MAX_CLAIMS)
                .all(conn)
                .await?;
            found.extend(rows);
        }
        found.sort_unstable_by_key(|booking| (booking.claim_start, booking.id));
        found.dedup_by_key(|booking| booking.id);
        Ok(found)
    }

    /// What lies in a stretch of time on any of these resources: as [`Store::claims`].
    pub(crate) async fn claims_on(
        &self,
        conn: &impl ConnectionTrait,
        tenant: Uuid,
        resources: &[Uuid],
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Result<Vec<Booking>, DbErr> {
        let alive = Condition::any()
            .add(BookingColumn::Status.ne(BookingStatus::Reservado.as_str()))
            .add(BookingColumn::ExpiresAt.gt(now));
        let mut found = Vec::new();
        for some in resources.chunks(CHUNK) {
            let rows = Bookings::find()
                .filter(scoped(Scope::Tenant(tenant)))
                .filter(BookingColumn::ResourceId.is_in(some.iter().copied()))
                .filter(takes_interval())
                .filter(alive.clone())
                .filter(BookingColumn::ClaimStart.lt(to))
                .filter(BookingColumn::ClaimEnd.gt(from))
                .filter(BookingColumn::ClaimStart.gt(from - LONGEST_CLAIM))
                .order_by_asc(BookingColumn::ClaimStart)
                .order_by_asc(BookingColumn::Id)
                .limit(MAX_CLAIMS)
                .all(conn)
                .await?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// A person's bookings that limits count: those that start in a stretch of time, and those that
    /// are not over.
    pub(crate) async fn counted_bookings(
        &self,
        conn: &impl ConnectionTrait,
        (tenant, user): (Uuid, Uuid),
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Result<Vec<CountedBooking>, DbErr> {
        let over = [BookingStatus::Cancelado, BookingStatus::NaoCompareceu];
        let alive = Condition::any()
            .add(BookingColumn::Status.ne(BookingStatus::Reservado.as_str()))
            .add(BookingColumn::ExpiresAt.gt(now));
        let inside = Condition::all()
            .add(BookingColumn::StartTime.gte(from))
            .add(BookingColumn::StartTime.lt(to));
        Bookings::find()
            .select_only()
            .columns([
                BookingColumn::Id,
                BookingColumn::StartTime,
                BookingColumn::EndTime,
                BookingColumn::CategoryId,
                BookingColumn::ResourceId,
                BookingColumn::Status,
            ])
            .filter(scoped(Scope::Tenant(tenant)))
            .filter(BookingColumn::UserId.eq(user))
            .filter(BookingColumn::Status.is_not_in(over.map(BookingStatus::as_str)))
            .filter(alive)
            .filter(Condition::any().add(inside).add(BookingColumn::EndTime.gt(now)))
            .order_by_asc(BookingColumn::StartTime)
            .limit(MAX_COUNTED)
            .into_model()
            .all(conn)
            .await
    }

    /// Stores new bookings and their events inside a transaction whose resources are locked. Refused
    /// if any of them is: the transaction must not be committed then.
    pub(crate) async fn enter_all(
        &self,
        tx: &DatabaseTransaction,
        bookings: &[Booking],
        trace_id: &str,
    ) -> Result<Inserted, DbErr> {
        for some in bookings.chunks(CHUNK) {
            let rows = some.iter().map(|booking| booking.clone().into_active_model());
            let insert = Bookings::insert_many(rows);
            let stored = match self.database().engine() {
                Engine::Postgres => {
                    let nothing = OnConflict::new().do_nothing().to_owned();
                    match insert.on_conflict(nothing).exec_without_returning(tx).await {
                        Err(DbErr::RecordNotInserted) => 0,
                        rows => rows?,
                    }
                }
                Engine::Sqlite => insert.exec_without_returning(tx).await?,
            };
            if stored < u64::try_from(some.len()).unwrap_or(u64::MAX) {
                return Ok(Inserted::Refused);
            }
        }
        let drafts: Vec<Draft> =
            bookings.iter().map(|booking| draft(booking, &created(booking))).collect();
        self.outbox().append(tx, trace_id, &drafts).await?;
        Ok(Inserted::Stored)
    }

    /// Bookings that belong together, locked, by start.
    pub(crate) async fn lock_together(
        &self,
        tx: &DatabaseTransaction,
        tenant: Uuid,
        which: Together,
    ) -> Result<Vec<Booking>, DbErr> {
        let query = together(tenant, which);
        let mut found = match self.database().engine() {
            Engine::Postgres => query.lock_exclusive().all(tx).await?,
            Engine::Sqlite => query.all(tx).await?,
        };
        found.sort_unstable_by_key(|booking| (booking.start_time, booking.id));
        Ok(found)
    }

    /// The same without a lock.
    pub(crate) async fn together(
        &self,
        tenant: Uuid,
        which: Together,
    ) -> Result<Vec<Booking>, DbErr> {
        let conn = self.database().read(Scope::Tenant(tenant));
        let mut found = together(tenant, which).all(&conn).await?;
        found.sort_unstable_by_key(|booking| (booking.start_time, booking.id));
        Ok(found)
    }

    /// A booking of a group, within a scope.
    pub(crate) async fn group_member(
        &self,
        scope: Scope,
        group: Uuid,
    ) -> Result<Option<Booking>, DbErr> {
        Bookings::find()
            .filter(scoped(scope))
            .filter(BookingColumn::GroupId.eq(group))
            .order_by_asc(BookingColumn::Id)
            .one(&self.database().read(scope))
            .await
    }

    /// Stores changed bookings and their events. The rows were locked before. With `moved`, their claims
    /// are given up first, all of them: they may come to lie where others of them lay.
    pub(crate) async fn update_all(
        &self,
        tx: &DatabaseTransaction,
        changed: &[(Booking, BookingEvent)],
        moved: bool,
        trace_id: &str,
    ) -> Result<(), DbErr> {
        if moved {
            let ids = changed.iter().map(|(booking, _)| booking.id);
            let given_up = BookingStatus::Cancelado.as_str();
            Bookings::update_many()
                .col_expr(BookingColumn::Status, Expr::value(given_up))
                .filter(BookingColumn::Id.is_in(ids))
                .exec(tx)
                .await?;
        }
        for (booking, _) in changed {
            let row = booking.clone().into_active_model().reset_all();
            Bookings::update(row).exec(tx).await?;
        }
        let drafts: Vec<Draft> =
            changed.iter().map(|(booking, event)| draft(booking, event)).collect();
        self.outbox().append(tx, trace_id, &drafts).await
    }
}

/// In the order of ids, so that those who lock them never wait for each other in a circle.
fn together(tenant: Uuid, which: Together) -> Select<Bookings> {
    let query = Bookings::find().filter(scoped(Scope::Tenant(tenant)));
    let query = match which {
        Together::Series { id, from, after } => {
            let active = [BookingStatus::Pendente, BookingStatus::Confirmado];
            query
                .filter(BookingColumn::SeriesId.eq(id))
                .filter(BookingColumn::SeriesIndex.gte(from))
                .filter(BookingColumn::StartTime.gt(after))
                .filter(BookingColumn::Status.is_in(active.map(BookingStatus::as_str)))
        }
        Together::Group(id) => query.filter(BookingColumn::GroupId.eq(id)),
    };
    query.order_by_asc(BookingColumn::Id)
}
