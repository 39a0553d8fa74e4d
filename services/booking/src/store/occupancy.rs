//! What is taken of many resources at once.

use chrono::{DateTime, Utc};
use common::auth::Scope;
use contracts::BookingStatus;
use contracts::facts::ClaimFacts;
use scheduling::Claim;
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Store;
use super::entity::{Column, Entity};
use super::queries::{LONGEST_CLAIM, takes_interval};

/// Several resources of a tenant, from an instant on.
#[derive(Debug, Clone)]
pub(crate) struct ClaimsOf {
    pub(crate) tenant: Uuid,
    pub(crate) resources: Vec<Uuid>,
    pub(crate) from: DateTime<Utc>,
    /// Those that begin before it; `None`: all.
    pub(crate) to: Option<DateTime<Utc>>,
    /// Where the answer before ended.
    pub(crate) after: Option<ClaimKey>,
}

/// The place of a claim among those of many resources.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClaimKey {
    pub(crate) resource: Uuid,
    pub(crate) start: DateTime<Utc>,
    pub(crate) id: Uuid,
}

/// The little of a booking that a claim is.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Claimed {
    pub(crate) id: Uuid,
    pub(crate) resource: Uuid,
    pub(crate) start: DateTime<Utc>,
    pub(crate) end: DateTime<Utc>,
    pub(crate) quantity: i32,
    exclusive: bool,
    pub(crate) expires: Option<DateTime<Utc>>,
}

/// The same with the booking's own times: a claim has room before and after them.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Standing {
    #[sea_orm(nested)]
    pub(crate) claimed: Claimed,
    pub(crate) start_time: DateTime<Utc>,
    pub(crate) end_time: DateTime<Utc>,
}

impl Claimed {
    /// Its place among the claims of many resources.
    pub(crate) fn key(&self) -> ClaimKey {
        ClaimKey { resource: self.resource, start: self.start, id: self.id }
    }

    /// The claim as the pure rules read it.
    pub(crate) fn claim(&self) -> Option<Claim> {
        self.facts().claim()
    }

    /// The claim as neighbours need it.
    pub(crate) fn facts(&self) -> ClaimFacts {
        let (from, to, quantity) = (self.start, self.end, self.places_taken());
        ClaimFacts { from, to, quantity, expires_at: self.expires }
    }

    /// Places it takes. One that excludes others takes more than any resource has.
    pub(crate) fn places_taken(&self) -> u32 {
        if self.exclusive {
            crate::app::EVERY_PLACE
        } else {
            u32::try_from(self.quantity).unwrap_or(1)
        }
    }
}

impl Store {
    /// Claims that are not over, and holds that live at `now`, by resource and start.
    pub(crate) async fn claims_of(
        &self,
        wanted: &ClaimsOf,
        now: DateTime<Utc>,
        limit: u64,
    ) -> Result<Vec<Claimed>, DbErr> {
        let rows = claims(wanted, now, limit).into_model::<Claimed>();
        rows.all(&self.database().read(Scope::Tenant(wanted.tenant))).await
    }

    /// The same with the bookings' own times.
    pub(crate) async fn standing_of(
        &self,
        wanted: &ClaimsOf,
        now: DateTime<Utc>,
        limit: u64,
    ) -> Result<Vec<Standing>, DbErr> {
        let rows = claims(wanted, now, limit)
            .column_as(Column::StartTime, "start_time")
            .column_as(Column::EndTime, "end_time")
            .into_model::<Standing>();
        rows.all(&self.database().read(Scope::Tenant(wanted.tenant))).await
    }
}

/// Claims that are not over, and holds that live at `now`, by resource and start.
fn claims(wanted: &ClaimsOf, now: DateTime<Utc>, limit: u64) -> Select<Entity> {
    let ClaimsOf { tenant, resources, from, to, after } = wanted;
    let alive = Condition::any()
        .add(Column::Status.ne(BookingStatus::Reservado.as_str()))
        .add(Column::ExpiresAt.gt(now));
    let beyond = after.as_ref().map(|ClaimKey { resource, start, id }| {
        let same = || Expr::col(Column::ResourceId).eq(*resource);
        let later = Expr::col(Column::ClaimStart).gt(*start);
        let next = Expr::col(Column::ClaimStart).eq(*start).and(Column::Id.gt(*id));
        Column::ResourceId.gt(*resource).or(same().and(later.or(next)))
    });
    Entity::find()
        .select_only()
        .column(Column::Id)
        .column_as(Column::ResourceId, "resource")
        .column_as(Column::ClaimStart, "start")
        .column_as(Column::ClaimEnd, "end")
        .column(Column::Quantity)
        .column(Column::Exclusive)
        .column_as(Column::ExpiresAt, "expires")
        .filter(Column::TenantId.eq(*tenant))
        .filter(Column::ResourceId.is_in(resources.iter().copied()))
        .filter(takes_interval())
        .filter(Column::ClaimEnd.gt(*from))
        // No claim is longer, so that the index by start need not be read from its beginning.
        .filter(Column::ClaimStart.gt(*from - LONGEST_CLAIM))
        .filter(alive)
        .filter(Condition::all().add_option(to.map(|to| Column::ClaimStart.lt(to))))
        .filter(Condition::all().add_option(beyond))
        .order_by_asc(Column::ResourceId)
        .order_by_asc(Column::ClaimStart)
        .order_by_asc(Column::Id)
        .limit(limit)
}
