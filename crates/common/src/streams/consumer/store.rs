//! The consumer's rows: checkpoints, attempts, dead letters.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use contracts::Service;
use contracts::event::Envelope;
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::Consumer;
use crate::db::{Engine, Scope};
use crate::streams::sql;

/// A checkpoint row, locked.
pub(super) struct Locked {
    /// The last position applied.
    pub(super) pos: i64,
    /// How many letters are still dead.
    pub(super) dead: i64,
}

impl Consumer {
    /// The checkpoint, from memory if it was asked for before.
    pub(super) async fn checkpoint(&self, source: Service) -> Result<i64, DbErr> {
        let known = self.place(source).map_or(-1, |place| place.checkpoint.load(Ordering::Relaxed));
        if known >= 0 { Ok(known) } else { self.load_checkpoint(source).await }
    }

    /// The checkpoint, from the database; makes its row if there is none.
    pub(super) async fn load_checkpoint(&self, source: Service) -> Result<i64, DbErr> {
        let key = || [self.name().into(), source.name().into()];
        let text = "SELECT pos FROM checkpoint WHERE consumer = $1 AND source = $2";
        let pos = if let Some(row) = sql::one(&self.inner.db.read(Scope::All), text, key()).await? {
            row.try_get_by_index(0)?
        } else {
            let text = "INSERT INTO checkpoint (consumer, source, pos) VALUES ($1, $2, 0) \
                        ON CONFLICT DO NOTHING";
            sql::execute(self.inner.db.unscoped(), text, key()).await?;
            0
        };
        self.set_checkpoint(source, pos);
        Ok(pos)
    }

    /// Moves the checkpoint if it is exactly at `from` and no letter is dead. The row is then
    /// locked, and other replicas wait.
    pub(super) async fn advance(
        &self,
        tx: &impl ConnectionTrait,
        source: Service,
        from: i64,
        to: i64,
    ) -> Result<bool, DbErr> {
        let text = "UPDATE checkpoint SET pos = $4 \
                    WHERE consumer = $1 AND source = $2 AND pos = $3 AND dead = 0";
        let values = [self.name().into(), source.name().into(), from.into(), to.into()];
        Ok(sql::execute(tx, text, values).await? == 1)
    }

    /// Locks the checkpoint.
    pub(super) async fn lock(
        &self,
        tx: &impl ConnectionTrait,
        source: Service,
    ) -> Result<Locked, DbErr> {
        let text = match self.inner.db.engine() {
            Engine::Postgres => {
                "SELECT pos, dead FROM checkpoint WHERE consumer = $1 AND source = $2 FOR UPDATE"
            }
            Engine::Sqlite => {
                "SELECT pos, dead FROM checkpoint WHERE consumer = $1 AND source = $2"
            }
        };
        let row = sql::one(tx, text, [self.name().into(), source.name().into()]).await?;
        // Without a row the caller changes nothing, and the next load makes one.
        let Some(row) = row else { return Ok(Locked { pos: -1, dead: 0 }) };
        Ok(Locked { pos: row.try_get_by_index(0)?, dead: row.try_get_by_index(1)? })
    }

    /// Sets a locked checkpoint.
    pub(super) async fn set(
        &self,
        tx: &impl ConnectionTrait,
        source: Service,
        now: Locked,
    ) -> Result<(), DbErr> {
        let text = "UPDATE checkpoint SET pos = $3, dead = $4 WHERE consumer = $1 AND source = $2";
        let Locked { pos, dead } = now;
        let values = [self.name().into(), source.name().into(), pos.into(), dead.into()];
        sql::execute(tx, text, values).await.map(drop)
    }

    /// Which aggregates of `events` have a dead letter that was not replayed.
    pub(super) async fn blocked(
        &self,
        tx: &impl ConnectionTrait,
        source: Service,
        events: &[Envelope],
    ) -> Result<HashSet<Uuid>, DbErr> {
        let marks: Vec<String> = (3..events.len() + 3).map(|n| format!("${n}")).collect();
        let text = format!(
            "SELECT DISTINCT aggregate_id FROM dead_letter WHERE consumer = $1 AND source = $2 \
             AND replayed_at IS NULL AND aggregate_id IN ({})",
            marks.join(", ")
        );
        let mut values: Vec<sea_orm::Value> = vec![self.name().into(), source.name().into()];
        values.extend(events.iter().map(|event| event.metadata.aggregate_id.into()));
        let rows = sql::all(tx, &text, values).await?;
        rows.iter().map(|row| row.try_get_by_index(0)).collect()
    }

    /// Counts an attempt that failed, outside the transaction that failed with it.
    pub(super) async fn count_attempt(
        &self,
        source: Service,
        pos: i64,
        error: &str,
    ) -> Result<i64, DbErr> {
        let text = "INSERT INTO delivery_attempt (consumer, source, pos, attempts, last_error) \
                    VALUES ($1, $2, $3, 1, $4) ON CONFLICT (consumer, source, pos) DO UPDATE SET \
                    attempts = delivery_attempt.attempts + 1, last_error = excluded.last_error \
                    RETURNING attempts";
        let values = [self.name().into(), source.name().into(), pos.into(), error.into()];
        let row = sql::one(self.inner.db.unscoped(), text, values).await?;
        row.map_or(Ok(1), |row| row.try_get_by_index(0))
    }

    /// Forgets the attempts at an event that has been dealt with.
    pub(super) async fn forget_attempts(
        &self,
        tx: &impl ConnectionTrait,
        source: Service,
        pos: i64,
    ) -> Result<(), DbErr> {
        let text = "DELETE FROM delivery_attempt WHERE consumer = $1 AND source = $2 AND pos <= $3";
        let values = [self.name().into(), source.name().into(), pos.into()];
        sql::execute(tx, text, values).await.map(drop)
    }

    /// Lays an event aside. The caller holds the checkpoint's lock and raises `dead`.
    pub(super) async fn bury(
        &self,
        tx: &impl ConnectionTrait,
        source: Service,
        event: &Envelope,
        error: &str,
        attempts: i64,
    ) -> Result<(), DbErr> {
        let envelope = serde_json::to_string(event)
            .map_err(|error| DbErr::Json(format!("envelope of a dead letter: {error}")))?;
        let text = "INSERT INTO dead_letter (consumer, source, pos, event_id, aggregate_id, \
                    envelope, error, attempts, created_at) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let values = [
            self.name().into(),
            source.name().into(),
            event.metadata.position.into(),
            event.metadata.event_id.into(),
            event.metadata.aggregate_id.into(),
            envelope.into(),
            error.into(),
            attempts.into(),
            self.inner.clock.now().into(),
        ];
        sql::execute(tx, text, values).await.map(drop)
    }
}
