//! The outbox: events are written with the change they tell of, and kept as the replay store.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use contracts::Service;
use contracts::event::{Envelope, Metadata, SCHEMA_VERSION};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};
use serde_json::Value;
use uuid::Uuid;

use super::sql;
use crate::db::{Database, Engine, Scope, Tx};
use crate::{Clock, IdSource};

/// How many rows one answer of [`Outbox::after`] has at most.
const PAGE: u64 = 500;
/// Rows of one INSERT: eight parameters each, far below the limits of both databases.
const CHUNK: usize = 500;
/// Rows one DELETE takes, so that it stays far below the statement timeout.
const PRUNE: i64 = 5_000;

pub(super) const COLUMNS: &str =
    "event_id, tenant_id, aggregate_id, sequence, event_type, payload, trace_id, created_at, pos";

const INSERT: &str = "INSERT INTO outbox (event_id, tenant_id, aggregate_id, sequence, event_type, \
                      payload, trace_id, created_at)";

/// An event that is about to be written.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Whose it is.
    pub tenant_id: Uuid,
    /// What changed.
    pub aggregate_id: Uuid,
    /// The version of the aggregate after the change.
    pub sequence: i64,
    /// The wire name.
    pub event_type: &'static str,
    /// The wire payload.
    pub payload: Value,
}

/// The outbox table of one service.
#[derive(Clone)]
pub struct Outbox {
    source: Service,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl Outbox {
    /// The outbox of `source`.
    pub fn new(source: Service, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self { source, clock, ids }
    }

    /// Whose outbox this is.
    pub fn source(&self) -> Service {
        self.source
    }

    /// Writes events in the caller's transaction, with one statement. Writers of one aggregate must
    /// hold its lock: its events are then numbered in the order of their `sequence`.
    pub async fn append(
        &self,
        conn: &impl ConnectionTrait,
        trace_id: &str,
        drafts: &[Draft],
    ) -> Result<(), DbErr> {
        for chunk in drafts.chunks(CHUNK) {
            let mut text = format!("{INSERT} VALUES ");
            let mut values: Vec<sea_orm::Value> = Vec::with_capacity(chunk.len() * 8);
            for (row, draft) in chunk.iter().enumerate() {
                placeholders(&mut text, row);
                values.extend(self.row(trace_id, draft));
            }
            sql::execute(conn, &text, values).await?;
        }
        Ok(())
    }

    /// Carries out a statement that changes one row and writes the event of it, in one round trip to
    /// Postgres. Returns how many events were written: none, if no row was changed.
    pub async fn append_with(
        &self,
        conn: &impl ConnectionTrait,
        trace_id: &str,
        change: Statement,
        draft: &Draft,
    ) -> Result<u64, DbErr> {
        let Statement { sql: change, values, .. } = change;
        let mut values = values.map_or_else(Vec::new, |values| values.0);
        let first = values.len() + 1;
        values.extend(self.row(trace_id, draft));
        let places: Vec<String> = (first..=values.len()).map(|place| format!("${place}")).collect();
        let text = format!(
            "WITH changed AS ({change} RETURNING 1) {INSERT} SELECT {} FROM changed",
            places.join(", ")
        );
        sql::execute(conn, &text, values).await
    }

    /// The numbered events after position `after`, in order; `limit` is held between 1 and 500. A
    /// stream is every tenant's.
    pub async fn after(
        &self,
        db: &Database,
        after: i64,
        limit: u64,
    ) -> Result<Vec<Envelope>, DbErr> {
        let text = format!("SELECT {COLUMNS} FROM outbox WHERE pos > $1 ORDER BY pos LIMIT $2");
        let limit = limit.clamp(1, PAGE).cast_signed();
        let rows = sql::all(&db.read(Scope::All), &text, [after.into(), limit.into()]).await?;
        rows.iter().map(|row| self.envelope(row)).collect()
    }

    /// The events of a tenant that are still kept, whose type begins with `kind` and in whose payload
    /// there is `text`, the oldest first. It reads the whole log.
    pub async fn naming(
        &self,
        db: &Database,
        tenant: Uuid,
        kind: &str,
        text: &str,
    ) -> Result<Vec<Envelope>, DbErr> {
        let find = match db.engine() {
            Engine::Postgres => "strpos",
            Engine::Sqlite => "instr",
        };
        // An event that has no position yet has happened all the same.
        let columns = COLUMNS.replace("pos", "coalesce(pos, 0) AS pos");
        let query = format!(
            "SELECT {columns} FROM outbox WHERE tenant_id = $1 AND {find}(event_type, $2) = 1 \
             AND {find}(payload, $3) > 0 ORDER BY id"
        );
        let values = [tenant.into(), kind.into(), text.into()];
        let rows = sql::all(&db.read(Scope::Tenant(tenant)), &query, values).await?;
        rows.iter().map(|row| self.envelope(row)).collect()
    }

    /// The last position given; 0 before the first.
    pub async fn head(&self, db: &Database) -> Result<i64, DbErr> {
        let text = "SELECT pos FROM outbox_head WHERE source = $1";
        match sql::one(&db.read(Scope::All), text, [self.source.name().into()]).await? {
            Some(row) => row.try_get_by_index(0),
            None => Ok(0),
        }
    }

    /// Forgets numbered events older than `older_than`, oldest first, never leaving a hole. Returns
    /// how many. A consumer that is behind by more than that loses them for good. Every tenant's.
    pub async fn prune(&self, db: &Database, older_than: Duration) -> Result<u64, DbErr> {
        let age = chrono::Duration::from_std(older_than).unwrap_or(chrono::Duration::MAX);
        let Some(cutoff) = self.clock.now().checked_sub_signed(age) else { return Ok(0) };
        // Clocks of replicas differ, so ages are not quite in the order of positions.
        let text = "SELECT min(pos) FROM outbox WHERE pos IS NOT NULL AND created_at >= $1";
        let row = sql::one(&db.read(Scope::All), text, [cutoff.into()]).await?;
        let keep: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
        let keep = keep.unwrap_or(i64::MAX);
        let text = "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE pos < $1 \
                    AND created_at < $2 ORDER BY pos LIMIT $3)";
        let mut total = 0;
        loop {
            let work = |tx: Tx| async move {
                sql::execute(&*tx, text, [keep.into(), cutoff.into(), PRUNE.into()]).await
            };
            let gone: u64 = db.transact(Scope::All, work).await?;
            total += gone;
            if gone < PRUNE.unsigned_abs() {
                return Ok(total);
            }
        }
    }

    /// The values of a row that is written.
    fn row(&self, trace_id: &str, draft: &Draft) -> [sea_orm::Value; 8] {
        let Draft { tenant_id, aggregate_id, sequence, event_type, payload } = draft;
        [
            self.ids.next().into(),
            (*tenant_id).into(),
            (*aggregate_id).into(),
            (*sequence).into(),
            (*event_type).into(),
            payload.to_string().into(),
            trace_id.into(),
            self.clock.now().into(),
        ]
    }

    /// Reads a row of [`COLUMNS`].
    pub(super) fn envelope(&self, row: &QueryResult) -> Result<Envelope, DbErr> {
        let payload: String = row.try_get("", "payload")?;
        let occurred_at: DateTime<Utc> = row.try_get("", "created_at")?;
        Ok(Envelope {
            event_type: row.try_get("", "event_type")?,
            payload: serde_json::from_str(&payload)
                .map_err(|error| DbErr::Json(format!("payload in the outbox: {error}")))?,
            metadata: Metadata {
                event_id: row.try_get("", "event_id")?,
                tenant_id: row.try_get("", "tenant_id")?,
                occurred_at,
                aggregate_id: row.try_get("", "aggregate_id")?,
                sequence: row.try_get("", "sequence")?,
                trace_id: row.try_get("", "trace_id")?,
                schema_version: SCHEMA_VERSION,
                source: self.source,
                position: row.try_get("", "pos")?,
            },
        })
    }
}

/// `($9, $10, … $16)` for the second row.
fn placeholders(text: &mut String, row: usize) {
    text.push_str(if row == 0 { "(" } else { ", (" });
    for column in 1..=8 {
        let comma = if column == 1 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}${}", row * 8 + column);
    }
    text.push(')');
}
