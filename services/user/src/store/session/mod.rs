//! The sessions in the database.

mod entity;

use chrono::{DateTime, TimeDelta, Utc};
use contracts::facts::SessionFacts;
use contracts::personal::SessionRecord;
use contracts::session::SessionView;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Tx, refresh};
use entity::{Column, Entity};

pub(crate) use entity::Model as Session;

/// A session that was not refreshed for so long is over: its last refresh token has expired.
pub(crate) const IDLE: TimeDelta = TimeDelta::days(7);

/// The sort key of the list, newest first: ids begin with the time.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Key(Uuid);

/// Which sessions are to end.
#[derive(Clone, Copy)]
pub(crate) enum Ending<'a> {
    /// These.
    These(&'a [Uuid]),
    /// This one, if it is the user's.
    Own {
        /// The session.
        id: Uuid,
        /// Whose it must be.
        user: Uuid,
    },
    /// All of a user, except perhaps one.
    User {
        /// Whose.
        id: Uuid,
        /// The one that goes on.
        except: Option<Uuid>,
    },
    /// All of a tenant's people.
    Tenant(Uuid),
}

impl Ending<'_> {
    fn condition(self) -> Condition {
        let all = Condition::all();
        match self {
            Self::These(ids) => all.add(Column::Id.is_in(ids.iter().copied())),
            Self::Own { id, user } => all.add(Column::Id.eq(id)).add(Column::UserId.eq(user)),
            Self::User { id, except } => all
                .add(Column::UserId.eq(id))
                .add_option(except.map(|except| Column::Id.ne(except))),
            Self::Tenant(tenant) => all.add(Column::TenantId.eq(tenant)),
        }
    }
}

impl Session {
    /// What its access tokens say of it.
    pub(crate) fn claim(&self) -> common::auth::Session {
        common::auth::Session {
            id: self.id,
            auth_time: self.created_at.timestamp(),
            impersonator: self.impersonator_id,
        }
    }

    /// Whether it can be carried on.
    pub(crate) fn goes_on(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_none() && self.expires_at > now && self.last_used_at + IDLE > now
    }

    /// What the neighbours decide by.
    pub(crate) fn facts(&self, now: DateTime<Utc>) -> SessionFacts {
        let is_active = self.ended_at.is_none() && self.expires_at > now;
        SessionFacts { id: self.id, user_id: self.user_id, is_active }
    }

    /// What its owner may keep of it.
    pub(crate) fn record(self) -> SessionRecord {
        SessionRecord {
            id: self.id,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            expires_at: self.expires_at,
            ended_at: self.ended_at,
            ended_reason: self.ended_reason,
            user_agent: self.user_agent,
            ip: self.ip,
            impersonated_by: self.impersonator_id,
        }
    }

    /// The sort key of the list.
    pub(crate) fn key(&self) -> Key {
        Key(self.id)
    }

    /// What its owner may see, from the session `current`.
    pub(crate) fn view(self, current: Option<Uuid>) -> SessionView {
        SessionView {
            id: self.id,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            expires_at: self.expires_at,
            user_agent: self.user_agent,
            ip: self.ip,
            impersonated_by: self.impersonator_id,
            current: current == Some(self.id),
        }
    }
}

/// Not ended, not too old, and not left alone for too long.
fn going_on(now: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(Column::EndedAt.is_null())
        .add(Column::ExpiresAt.gt(now))
        .add(Column::LastUsedAt.gt(now - IDLE))
}

/// A session, whosever it is.
pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Session>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// A session that nobody else may change until the transaction ends.
pub(crate) async fn lock(tx: &Tx, id: Uuid) -> Result<Option<Session>, DbErr> {
    Entity::find_by_id(id).lock_exclusive().one(tx).await
}

/// A part of the user's sessions that go on, newest first.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    user: Uuid,
    now: DateTime<Utc>,
    after: Option<Key>,
    limit: u64,
) -> Result<Vec<Session>, DbErr> {
    let mut query = Entity::find().filter(Column::UserId.eq(user)).filter(going_on(now));
    if let Some(Key(id)) = after {
        query = query.filter(Column::Id.lt(id));
    }
    query.order_by_desc(Column::Id).limit(limit).all(db).await
}

/// How many sessions of the user go on.
pub(crate) async fn count(
    db: &impl ConnectionTrait,
    user: Uuid,
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    Entity::find().filter(Column::UserId.eq(user)).filter(going_on(now)).count(db).await
}

/// Those of the user's sessions that go on beside the `most` newest.
pub(crate) async fn surplus(
    tx: &Tx,
    user: Uuid,
    now: DateTime<Utc>,
    most: u64,
) -> Result<Vec<Uuid>, DbErr> {
    let query = Entity::find().filter(Column::UserId.eq(user)).filter(going_on(now));
    let query = query.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    // SQLite has no OFFSET without a LIMIT; what is over at once is never more than this.
    let query = query.offset(most).limit(1_000).select_only().column(Column::Id);
    query.into_tuple().all(tx).await
}

/// Stores a new session.
pub(crate) async fn insert(tx: &Tx, session: Session) -> Result<(), DbErr> {
    Entity::insert(session.into_active_model()).exec_without_returning(tx).await.map(drop)
}

/// Notes that tokens were issued.
pub(crate) async fn touch(tx: &Tx, id: Uuid, now: DateTime<Utc>) -> Result<(), DbErr> {
    let update = Entity::update_many().col_expr(Column::LastUsedAt, Expr::value(now));
    update.filter(Column::Id.eq(id)).exec(tx).await.map(drop)
}

/// Ends sessions, and with them their refresh tokens. Returns those that went on until now.
pub(crate) async fn end(
    tx: &Tx,
    which: Ending<'_>,
    now: DateTime<Utc>,
    reason: &str,
) -> Result<Vec<Session>, DbErr> {
    Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(now))
        .col_expr(Column::EndedReason, Expr::value(reason))
        .filter(which.condition())
        .filter(going_on(now))
        .exec_with_returning(tx)
        .await
}

/// Every session of a user, the oldest first.
pub(crate) async fn all_of(db: &impl ConnectionTrait, user: Uuid) -> Result<Vec<Session>, DbErr> {
    Entity::find().filter(Column::UserId.eq(user)).order_by_asc(Column::Id).all(db).await
}

/// Removes every session of a user, and their refresh tokens.
pub(crate) async fn delete_of_user(tx: &Tx, user: Uuid) -> Result<(), DbErr> {
    let sessions = Entity::find().select_only().column(Column::Id).filter(Column::UserId.eq(user));
    refresh::delete_of(tx, sessions.into_query()).await?;
    Entity::delete_many().filter(Column::UserId.eq(user)).exec(tx).await.map(drop)
}

/// Forgets where a deleted user, or a deleted tenant's people, were signed in from.
pub(crate) async fn forget_clients(tx: &Tx, whose: Ending<'_>) -> Result<(), DbErr> {
    let nothing = || Expr::value(Option::<String>::None);
    let update = Entity::update_many()
        .col_expr(Column::UserAgent, nothing())
        .col_expr(Column::Ip, nothing());
    update.filter(whose.condition()).exec(tx).await.map(drop)
}
