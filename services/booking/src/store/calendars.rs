//! The `calendar_feed` table, and the bookings that a calendar shows.

use chrono::{DateTime, Utc};
use common::auth::Scope;
use contracts::calendar::{CalendarDetail, CalendarOf, CalendarView};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Condition, ExprTrait as _, SimpleExpr};
use sea_orm::{
    DatabaseTransaction, IntoActiveModel as _, Order, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::entity::{Column as BookingColumn, Entity as BookingEntity};
use super::{Booking, Gone, SortKey, Store};

/// Bookings that one statement reads.
const PAGE: u64 = 500;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar_feed")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    /// By whose authority it is read; `None`: the developer's.
    pub owner_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
    pub resource_id: Option<Uuid>,
    pub detail: String,
    pub secret_hash: String,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Whose bookings it shows.
    pub(crate) fn of(&self) -> Option<CalendarOf> {
        self.user_id.map(CalendarOf::User).or_else(|| self.resource_id.map(CalendarOf::Resource))
    }

    /// How much it tells; what no longer reads tells the least.
    pub(crate) fn detail(&self) -> CalendarDetail {
        CalendarDetail::parse(&self.detail).unwrap_or(CalendarDetail::Busy)
    }

    /// The calendar as clients see it.
    pub(crate) fn view(self) -> CalendarView {
        let detail = self.detail();
        let Self {
            id,
            tenant_id,
            owner_id,
            user_id,
            resource_id,
            detail: _,
            secret_hash: _,
            created_at,
        } = self;
        CalendarView { id, tenant_id, owner_id, user_id, resource_id, detail, created_at }
    }
}

/// The place of a calendar in a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Age {
    pub(crate) since: DateTime<Utc>,
    pub(crate) id: Uuid,
}

impl Age {
    fn later(self) -> Condition {
        let later = Column::CreatedAt.gt(self.since);
        let beside = Column::CreatedAt.eq(self.since).and(Column::Id.gt(self.id));
        Condition::any().add(later).add(beside)
    }
}

/// What a list of calendars is narrowed to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FeedsOf {
    pub(crate) scope: Scope,
    /// Those that a user made, and those of the user's bookings.
    pub(crate) user: Option<Uuid>,
}

impl FeedsOf {
    fn condition(self) -> Condition {
        let tenant = match self.scope {
            Scope::All => None,
            Scope::Tenant(tenant) => Some(tenant),
        };
        Condition::all()
            .add_option(tenant.map(|id| Column::TenantId.eq(id)))
            .add_option(self.user.map(about))
    }
}

fn about(user: Uuid) -> Condition {
    Condition::any().add(Column::OwnerId.eq(user)).add(Column::UserId.eq(user))
}

/// The bookings a calendar shows: those that begin from `from` on and before `to`, or the other way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) tenant: Uuid,
    pub(crate) of: CalendarOf,
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    /// Whether the last come first.
    pub(crate) backwards: bool,
}

impl Store {
    /// Adds a calendar.
    pub(crate) async fn add_feed(
        &self,
        tx: &DatabaseTransaction,
        feed: &Model,
    ) -> Result<(), DbErr> {
        Entity::insert(feed.clone().into_active_model()).exec_without_returning(tx).await.map(drop)
    }

    /// How many calendars somebody has in a tenant.
    pub(crate) async fn count_owned(
        &self,
        tx: &DatabaseTransaction,
        tenant: Uuid,
        owner: Option<Uuid>,
    ) -> Result<u64, DbErr> {
        let whose = owner.map_or_else(|| Column::OwnerId.is_null(), |id| Column::OwnerId.eq(id));
        Entity::find().filter(Column::TenantId.eq(tenant)).filter(whose).count(tx).await
    }

    /// The calendar of a secret, whose tenant nobody knows before.
    pub(crate) async fn feed_of(&self, secret_hash: &str) -> Result<Option<Model>, DbErr> {
        let found = Entity::find().filter(Column::SecretHash.eq(secret_hash));
        found.one(&self.database().read(Scope::All)).await
    }

    /// A calendar of the scope.
    pub(crate) async fn feed(&self, scope: Scope, id: Uuid) -> Result<Option<Model>, DbErr> {
        let own = FeedsOf { scope, user: None }.condition();
        Entity::find_by_id(id).filter(own).one(&self.database().read(scope)).await
    }

    /// A page of a list, one row longer than `limit` when there are more.
    pub(crate) async fn feeds(
        &self,
        wanted: FeedsOf,
        after: Option<Age>,
        limit: u64,
    ) -> Result<Vec<Model>, DbErr> {
        Entity::find()
            .filter(wanted.condition().add_option(after.map(Age::later)))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(limit + 1)
            .all(&self.database().read(wanted.scope))
            .await
    }

    /// How many rows a list has.
    pub(crate) async fn count_feeds(&self, wanted: FeedsOf) -> Result<u64, DbErr> {
        Entity::find().filter(wanted.condition()).count(&self.database().read(wanted.scope)).await
    }

    /// Removes a calendar. False: it is gone already.
    pub(crate) async fn drop_feed(
        &self,
        tx: &DatabaseTransaction,
        id: Uuid,
    ) -> Result<bool, DbErr> {
        Ok(Entity::delete_by_id(id).exec(tx).await?.rows_affected == 1)
    }

    /// Removes the calendars of what was deleted.
    pub(crate) async fn clear_feeds(
        &self,
        tx: &DatabaseTransaction,
        gone: Gone,
        id: Uuid,
    ) -> Result<u64, DbErr> {
        let whose = match gone {
            Gone::Tenant => Condition::all().add(Column::TenantId.eq(id)),
            Gone::Resource => Condition::all().add(Column::ResourceId.eq(id)),
            Gone::User | Gone::Erased => about(id),
        };
        Ok(Entity::delete_many().filter(whose).exec(tx).await?.rows_affected)
    }

    /// The first bookings of a stretch, at most `most`. Holds, and what never was more, are none.
    pub(crate) async fn bookings_of(
        &self,
        stretch: &Stretch,
        most: u64,
    ) -> Result<Vec<Booking>, DbErr> {
        let Stretch { tenant, of, from, to, backwards } = *stretch;
        let order = if backwards { Order::Desc } else { Order::Asc };
        let whose = match of {
            CalendarOf::User(id) => BookingColumn::UserId.eq(id),
            CalendarOf::Resource(id) => BookingColumn::ResourceId.eq(id),
        };
        let conn = self.database().read(Scope::Tenant(tenant));
        let mut found: Vec<Booking> = Vec::new();
        loop {
            let beyond = found.last().map(|last| beyond(SortKey::of(last), &order));
            let left = most.saturating_sub(found.len() as u64);
            let page = BookingEntity::find()
                .filter(BookingColumn::TenantId.eq(tenant))
                .filter(whose.clone())
                .filter(BookingColumn::StartTime.gte(from).and(BookingColumn::StartTime.lt(to)))
                .filter(BookingColumn::ExpiresAt.is_null())
                .filter(Condition::all().add_option(beyond))
                .order_by(BookingColumn::StartTime, order.clone())
                .order_by(BookingColumn::Id, order.clone())
                .limit(Ord::min(PAGE, left))
                .all(&conn)
                .await?;
            let more = page.len() as u64 == PAGE;
            found.extend(page);
            if !more || found.len() as u64 >= most {
                return Ok(found);
            }
        }
    }
}

/// What comes after a booking in an order by start and id.
fn beyond(SortKey { start, id }: SortKey, order: &Order) -> SimpleExpr {
    let same = BookingColumn::StartTime.eq(start);
    if *order == Order::Desc {
        let next = same.and(BookingColumn::Id.lt(id));
        return BookingColumn::StartTime.lt(start).or(next);
    }
    BookingColumn::StartTime.gt(start).or(same.and(BookingColumn::Id.gt(id)))
}
