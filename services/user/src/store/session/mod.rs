//! The sessions in the database.

mod entity;

use chrono::{DateTime, Utc};
use contracts::facts::SessionFacts;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _};
use uuid::Uuid;

use super::Tx;
use entity::Entity;

pub(crate) use entity::Model as Session;

impl Session {
    /// What its access tokens say of it.
    pub(crate) fn claim(&self) -> common::auth::Session {
        common::auth::Session {
            id: self.id,
            auth_time: self.created_at.timestamp(),
            impersonator: self.impersonator_id,
        }
    }

    /// What the neighbours decide by.
    pub(crate) fn facts(&self, now: DateTime<Utc>) -> SessionFacts {
        let is_active = self.ended_at.is_none() && self.expires_at > now;
        SessionFacts { id: self.id, user_id: self.user_id, is_active }
    }
}

/// A session, whosever it is.
pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Session>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// Stores a new session.
pub(crate) async fn insert(tx: &Tx, session: Session) -> Result<(), DbErr> {
    Entity::insert(session.into_active_model()).exec_without_returning(tx).await.map(drop)
}
