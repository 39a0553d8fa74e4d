//! Dead letters: events that could not be applied, and those of the same aggregate behind them.

use chrono::{DateTime, Utc};
use contracts::Service;
use contracts::event::Envelope;
use sea_orm::{DatabaseTransaction, DbErr, QueryResult};
use thiserror::Error;
use uuid::Uuid;

use super::store::Locked;
use super::{Consumer, HandlerError};
use crate::db::{Classify, Scope};
use crate::streams::sql;

/// An event that was laid aside.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// The producer's name.
    pub source: String,
    /// Its place in the producer's log.
    pub pos: i64,
    /// What it is about.
    pub aggregate_id: Uuid,
    /// The event.
    pub event: Envelope,
    /// Why.
    pub error: String,
    /// Attempts made; 0 if it only stood behind another letter of its aggregate.
    pub attempts: i64,
    /// When it was laid aside.
    pub created_at: DateTime<Utc>,
}

/// Why a dead letter could not be replayed.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// There is no such letter, or it was replayed before.
    #[error("no dead letter at position {0}")]
    NotFound(i64),
    /// An earlier letter of the same aggregate has to go first.
    #[error("the letter at position {0} of the same aggregate comes first")]
    Behind(i64),
    /// The handler failed again, at this position; the letters before it are done.
    #[error("failed again at position {pos}")]
    Failed {
        /// Where.
        pos: i64,
        /// Why.
        #[source]
        error: HandlerError,
    },
    /// The database.
    #[error("reading dead letters")]
    Db(#[from] DbErr),
}

impl Classify for ReplayError {
    fn db(&self) -> Option<&DbErr> {
        match self {
            Self::Db(error) => Some(error),
            Self::Failed { error, .. } => error.db(),
            Self::NotFound(_) | Self::Behind(_) => None,
        }
    }
}

impl Consumer {
    /// The letters that are still dead, oldest first.
    pub async fn dead_letters(&self, limit: u64) -> Result<Vec<DeadLetter>, DbErr> {
        let text = "SELECT source, pos, aggregate_id, envelope, error, attempts, created_at \
                    FROM dead_letter WHERE consumer = $1 AND replayed_at IS NULL \
                    ORDER BY source, pos LIMIT $2";
        let limit = limit.clamp(1, 1_000).cast_signed();
        // A consumer's letters are every tenant's.
        let reader = self.inner.db.read(Scope::All);
        let rows = sql::all(&reader, text, [self.name().into(), limit.into()]).await?;
        rows.iter().map(DeadLetter::read).collect()
    }

    /// Applies the letter at `pos`, and then those of the same aggregate behind it, in order.
    /// Returns how many. When the aggregate has no dead letter left, its events flow again.
    pub async fn replay(&self, source: Service, pos: i64) -> Result<usize, ReplayError> {
        let mut next = Some(pos);
        let mut replayed = 0;
        while let Some(pos) = next {
            let (event, following) = self
                .inner
                .db
                .transact(Scope::All, |tx| async move { self.replay_one(&tx, source, pos).await })
                .await?;
            self.inner.subscription.handler.committed(&[event]).await;
            replayed += 1;
            next = following;
        }
        Ok(replayed)
    }

    async fn replay_one(
        &self,
        tx: &DatabaseTransaction,
        source: Service,
        pos: i64,
    ) -> Result<(Envelope, Option<i64>), ReplayError> {
        // No consumer adds a letter while this is held.
        let Locked { pos: at, dead } = self.lock(tx, source).await?;
        let key = [self.name().into(), source.name().into(), pos.into()];
        let text = "SELECT source, pos, aggregate_id, envelope, error, attempts, created_at \
                    FROM dead_letter WHERE consumer = $1 AND source = $2 AND pos = $3 \
                    AND replayed_at IS NULL";
        let row = sql::one(tx, text, key.clone()).await?.ok_or(ReplayError::NotFound(pos))?;
        let letter = DeadLetter::read(&row)?;
        let waiting = self.waiting(tx, source, letter.aggregate_id).await?;
        if let Some(first) = waiting.first().filter(|first| **first < pos) {
            return Err(ReplayError::Behind(*first));
        }
        let applied = self.inner.subscription.handler.apply(tx, &letter.event).await;
        applied.map_err(|error| ReplayError::Failed { pos, error })?;
        let text = "UPDATE dead_letter SET replayed_at = $4 \
                    WHERE consumer = $1 AND source = $2 AND pos = $3";
        let values = key.into_iter().chain([self.inner.clock.now().into()]);
        sql::execute(tx, text, values).await?;
        self.set(tx, source, Locked { pos: at, dead: dead - 1 }).await?;
        Ok((letter.event, waiting.get(1).copied()))
    }

    /// The first two positions at which letters of the aggregate wait.
    async fn waiting(
        &self,
        tx: &DatabaseTransaction,
        source: Service,
        aggregate: Uuid,
    ) -> Result<Vec<i64>, DbErr> {
        let text = "SELECT pos FROM dead_letter WHERE consumer = $1 AND source = $2 \
                    AND aggregate_id = $3 AND replayed_at IS NULL ORDER BY pos LIMIT 2";
        let values = [self.name().into(), source.name().into(), aggregate.into()];
        let rows = sql::all(tx, text, values).await?;
        rows.iter().map(|row| row.try_get_by_index(0)).collect()
    }
}

impl DeadLetter {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let envelope: String = row.try_get("", "envelope")?;
        Ok(Self {
            source: row.try_get("", "source")?,
            pos: row.try_get("", "pos")?,
            aggregate_id: row.try_get("", "aggregate_id")?,
            event: serde_json::from_str(&envelope)
                .map_err(|error| DbErr::Json(format!("envelope of a dead letter: {error}")))?,
            error: row.try_get("", "error")?,
            attempts: row.try_get("", "attempts")?,
            created_at: row.try_get("", "created_at")?,
        })
    }
}
