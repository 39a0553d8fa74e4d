//! Numbering: committed events get positions 1, 2, 3 … without gaps, under the lock of the head row.

use contracts::event::Envelope;
use sea_orm::{DatabaseTransaction, DbErr, QueryResult};

use super::outbox::{COLUMNS, Outbox};
use super::sql;
use crate::db::{Database, Engine, Scope, Tx};

/// What a round of numbering found.
#[derive(Debug)]
pub(super) struct Numbered {
    /// The last position given.
    pub(super) head: i64,
    /// The events this round numbered, in order.
    pub(super) events: Vec<Envelope>,
    /// There were events to number, but another replica was at it.
    pub(super) contended: bool,
}

impl Outbox {
    /// Numbers at most `limit` events. Does nothing, not even a lock, when there are none.
    pub(super) async fn number(&self, db: &Database, limit: i64) -> Result<Numbered, DbErr> {
        let found = match db.engine() {
            Engine::Postgres => self.number_postgres(db, limit).await?,
            Engine::Sqlite => self.number_sqlite(db, limit).await?,
        };
        if let Some(found) = found {
            return Ok(found);
        }
        let text = "INSERT INTO outbox_head (source, pos) VALUES ($1, 0) ON CONFLICT DO NOTHING";
        sql::execute(db.unscoped(), text, [self.source().name().into()]).await?;
        Ok(Numbered { head: 0, events: Vec::new(), contended: true })
    }

    /// One statement, so one lock of a millisecond; across tenants, as a stream is.
    ///
    /// All parts see the same snapshot. If another replica numbered after the snapshot was taken,
    /// the head row read under the lock differs from the one in the snapshot, the rows in `waiting`
    /// may be numbered already, and nothing is done.
    async fn number_postgres(&self, db: &Database, limit: i64) -> Result<Option<Numbered>, DbErr> {
        let text = format!(
            "WITH waiting AS MATERIALIZED (
                SELECT id FROM outbox WHERE pos IS NULL ORDER BY id LIMIT $2
            ), head AS MATERIALIZED (
                SELECT pos FROM outbox_head
                WHERE source = $1 AND EXISTS (SELECT 1 FROM waiting)
                    AND pos = (SELECT seen.pos FROM outbox_head seen WHERE seen.source = $1)
                FOR UPDATE SKIP LOCKED
            ), numbered AS (
                UPDATE outbox SET pos = head.pos + fresh.n
                FROM head, (SELECT id, row_number() OVER (ORDER BY id) AS n FROM waiting) fresh
                WHERE outbox.id = fresh.id
                RETURNING outbox.*
            ), moved AS (
                UPDATE outbox_head SET pos = (SELECT max(pos) FROM numbered)
                WHERE source = $1 AND EXISTS (SELECT 1 FROM numbered)
            )
            SELECT (SELECT pos FROM outbox_head WHERE source = $1) AS head,
                EXISTS (SELECT 1 FROM waiting) AS waiting, {COLUMNS}
            FROM (SELECT 1) AS one LEFT JOIN numbered ON true
            ORDER BY pos"
        );
        let text = text.as_str();
        let work = |tx: Tx| async move {
            sql::all(&*tx, text, [self.source().name().into(), limit.into()]).await
        };
        let rows: Vec<QueryResult> = db.transact(Scope::All, work).await?;
        let Some(seen) = rows.first().map(Seen::read).transpose()?.flatten() else {
            return Ok(None);
        };
        let first: Option<i64> =
            rows.first().map(|row| row.try_get("", "pos")).transpose()?.flatten();
        let events: Vec<Envelope> = match first {
            Some(_) => rows.iter().map(|row| self.envelope(row)).collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        Ok(Some(seen.with(events)))
    }

    async fn number_sqlite(&self, db: &Database, limit: i64) -> Result<Option<Numbered>, DbErr> {
        let text = "SELECT (SELECT pos FROM outbox_head WHERE source = $1) AS head,
                        EXISTS (SELECT 1 FROM outbox WHERE pos IS NULL) AS waiting";
        let row = sql::one(&db.read(Scope::All), text, [self.source().name().into()]).await?;
        let Some(seen) = row.as_ref().map(Seen::read).transpose()?.flatten() else {
            return Ok(None);
        };
        if !seen.waiting {
            return Ok(Some(seen.with(Vec::new())));
        }
        let work = |tx: Tx| async move { self.number_locked(&tx, limit).await };
        let events = db.transact(Scope::All, work).await?;
        Ok(Some(seen.with(events)))
    }

    /// `BEGIN IMMEDIATE` is the lock.
    async fn number_locked(
        &self,
        tx: &DatabaseTransaction,
        limit: i64,
    ) -> Result<Vec<Envelope>, DbErr> {
        let source = self.source().name();
        let text = format!(
            "UPDATE outbox SET pos = (SELECT pos FROM outbox_head WHERE source = $1) + fresh.n
            FROM (SELECT id AS row_id, row_number() OVER (ORDER BY id) AS n FROM
                (SELECT id FROM outbox WHERE pos IS NULL ORDER BY id LIMIT $2)) AS fresh
            WHERE outbox.id = fresh.row_id
            RETURNING {COLUMNS}"
        );
        let rows = sql::all(tx, &text, [source.into(), limit.into()]).await?;
        let mut events: Vec<Envelope> =
            rows.iter().map(|row| self.envelope(row)).collect::<Result<_, _>>()?;
        events.sort_unstable_by_key(|event| event.metadata.position);
        if let Some(last) = events.last() {
            let text = "UPDATE outbox_head SET pos = $2 WHERE source = $1";
            sql::execute(tx, text, [source.into(), last.metadata.position.into()]).await?;
        }
        Ok(events)
    }
}

/// The state before the round.
struct Seen {
    head: i64,
    waiting: bool,
}

impl Seen {
    /// `None` if the head row does not exist yet.
    fn read(row: &QueryResult) -> Result<Option<Self>, DbErr> {
        let head: Option<i64> = row.try_get("", "head")?;
        let waiting = row.try_get("", "waiting")?;
        Ok(head.map(|head| Self { head, waiting }))
    }

    fn with(self, events: Vec<Envelope>) -> Numbered {
        Numbered {
            head: events.last().map_or(self.head, |event| event.metadata.position),
            contended: self.waiting && events.is_empty(),
            events,
        }
    }
}
