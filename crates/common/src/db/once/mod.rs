//! Requests that are sent again: one effect, one answer, whatever is repeated, crosses or crashes.
//!
//! A row of `idempotency` is claimed first in the transaction of the change and completed last in it,
//! so row, change and events are committed together or not at all. The unique key is the lock: on
//! Postgres a twin waits in its own insert until the first is over, on `SQLite` there is one writer.
//! [ADR 0017](../../../../docs/adr/0017-idempotency.md) says why.

mod answer;
mod migration;
mod seal;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use thiserror::Error;
use uuid::Uuid;

use super::fault::lock_timed_out;
use super::{Classify, Database, Scope, Tx, outcome_unknown};

pub use answer::Answer;
use seal::Marks;

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// Rows one DELETE takes, so that it stays far below the statement timeout.
const BATCH: u64 = 2_000;
/// Batches of one run; what is left waits for the next.
const BATCHES: u32 = 100;

const CLAIM: &str = "\
INSERT INTO idempotency (tenant_id, lookup, fingerprint, status, created_at, expires_at)
VALUES ($1, $2, $3, 0, $4, $5)
ON CONFLICT (tenant_id, lookup) DO UPDATE SET fingerprint = excluded.fingerprint, status = 0,
  answer = NULL, created_at = excluded.created_at, expires_at = excluded.expires_at
WHERE idempotency.expires_at <= excluded.created_at";
const READ: &str = "SELECT fingerprint, status, answer FROM idempotency \
                    WHERE tenant_id = $1 AND lookup = $2 AND expires_at > $3";
const KEEP: &str = "UPDATE idempotency SET status = $3, answer = $4 \
                    WHERE tenant_id = $1 AND lookup = $2";
/// An expired row may be claimed anew while it is being deleted, so it is looked at again.
const PRUNE: &str = "DELETE FROM idempotency WHERE expires_at <= $1 AND (tenant_id, lookup) IN \
                     (SELECT tenant_id, lookup FROM idempotency WHERE expires_at <= $1 LIMIT $2)";

/// A request as far as repetitions of it are the same.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// What the client sent as `Idempotency-Key`.
    pub key: &'a str,
    /// Who sent it: one word that nobody else has.
    pub author: &'a str,
    /// Method and template of the path.
    pub route: &'a str,
    /// The path itself.
    pub path: &'a str,
    /// The query.
    pub query: &'a str,
    /// The SHA-256 of the body.
    pub body: &'a [u8; 32],
    /// When it came.
    pub now: DateTime<Utc>,
}

/// A request that is to have its effect once. Without an `Idempotency-Key` nothing is claimed or kept,
/// and every request is a first one.
#[derive(Clone, Default)]
pub struct Once(Option<Arc<Keyed>>);

struct Keyed {
    marks: Marks,
    now: DateTime<Utc>,
}

/// What a claim has found.
#[derive(Debug)]
pub enum Claim {
    /// Nothing: the work is this request's, and what becomes of it is to be kept.
    Fresh,
    /// The work was done before, with this answer.
    Stored(Answer),
}

/// Why a repeated request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    Reused,
    /// The first request is still at work.
    #[error("a request with this idempotency key is under way")]
    InProgress,
}

impl Once {
    /// A request without a key.
    pub const fn unkeyed() -> Self {
        Self(None)
    }

    /// A request with a key.
    pub fn keyed(asking: &Asking<'_>) -> Self {
        Self(Some(Arc::new(Keyed { marks: Marks::of(asking), now: asking.now })))
    }

    /// Whether it may be sent again.
    pub const fn is_keyed(&self) -> bool {
        self.0.is_some()
    }

    /// Does `work` in a transaction of `scope`, or returns the answer of the request that did. The
    /// second part is what `work` hands on for after the commit; `None` where it was done before.
    ///
    /// As [`Database::transact`], with the same rules for `work`. What has to be known before it, and
    /// whatever takes long, goes into [`Self::unless_done`] with it.
    pub async fn run<T, E, F, W>(
        &self,
        database: &Database,
        scope: Scope,
        work: F,
    ) -> Result<(Answer, Option<T>), E>
    where
        F: Fn(Tx) -> W,
        W: Future<Output = Result<(Answer, T), E>>,
        E: From<DbErr> + From<Refused> + Classify,
    {
        let work = &work;
        let done = database.transact(scope, |tx: Tx| async move {
            match self.claim::<E>(&*tx, scope).await? {
                Claim::Stored(answer) => Ok((answer, None)),
                Claim::Fresh => {
                    let (answer, more) = work(Arc::clone(&tx)).await?;
                    self.keep(&*tx, scope, &answer).await?;
                    Ok::<_, E>((answer, Some(more)))
                }
            }
        });
        match done.await {
            Err(error) if error.db().is_some_and(outcome_unknown) => {
                // The row was committed with the work, so it says what became of it.
                let found = self.stored::<E>(database, scope).await;
                found.ok().flatten().map(|answer| (answer, None)).ok_or(error)
            }
            done => done,
        }
    }

    /// Returns the answer this request was given before, or does `rest`: all that is judged or looked up
    /// beyond the caller's right to ask, and [`Self::run`] at its end. So a repeated request is not
    /// judged by what has become of the world since, not even if the first is done meanwhile.
    pub async fn unless_done<E, F>(
        &self,
        database: &Database,
        scope: Scope,
        rest: F,
    ) -> Result<Answer, E>
    where
        F: Future<Output = Result<Answer, E>>,
        E: From<DbErr> + From<Refused>,
    {
        if let Some(answer) = self.stored::<E>(database, scope).await? {
            return Ok(answer);
        }
        match rest.await {
            Err(error) if self.0.is_some() => {
                let found = self.stored::<E>(database, scope).await;
                found.ok().flatten().ok_or(error)
            }
            done => done,
        }
    }

    /// The answer this request was given before, if it was.
    pub async fn stored<E>(&self, database: &Database, scope: Scope) -> Result<Option<Answer>, E>
    where
        E: From<DbErr> + From<Refused>,
    {
        let Some(keyed) = &self.0 else { return Ok(None) };
        keyed.read(&database.read(scope), scope).await
    }

    /// Claims the request in the transaction of its work, before anything else is locked. Waits for a
    /// twin that is at work; [`Refused::InProgress`] when that takes longer than the database waits
    /// for a lock. After any refusal or error the transaction is to be rolled back.
    pub async fn claim<E>(&self, tx: &impl ConnectionTrait, scope: Scope) -> Result<Claim, E>
    where
        E: From<DbErr> + From<Refused>,
    {
        let Some(keyed) = &self.0 else { return Ok(Claim::Fresh) };
        let Keyed { marks, now } = &**keyed;
        let values: [Value; 5] = [
            owner(scope).into(),
            marks.lookup.clone().into(),
            marks.fingerprint.clone().into(),
            (*now).into(),
            (*now + KEPT).into(),
        ];
        let claimed = match execute(tx, CLAIM, values).await {
            Err(error) if lock_timed_out(&error) => return Err(Refused::InProgress.into()),
            done => done? == 1,
        };
        if claimed {
            return Ok(Claim::Fresh);
        }
        let found = keyed.read::<E>(tx, scope).await?;
        found.map(Claim::Stored).ok_or_else(|| Refused::InProgress.into())
    }

    /// Keeps the answer of a claimed request, in the same transaction.
    pub async fn keep(
        &self,
        tx: &impl ConnectionTrait,
        scope: Scope,
        answer: &Answer,
    ) -> Result<(), DbErr> {
        let Some(keyed) = &self.0 else { return Ok(()) };
        let values: [Value; 4] = [
            owner(scope).into(),
            keyed.marks.lookup.clone().into(),
            i32::from(answer.status()).into(),
            keyed.marks.seal(answer.pack()?)?.into(),
        ];
        match execute(tx, KEEP, values).await? {
            1 => Ok(()),
            _ => Err(DbErr::Custom("an answer was kept that nobody had claimed".to_owned())),
        }
    }
}

impl Keyed {
    async fn read<E>(&self, db: &impl ConnectionTrait, scope: Scope) -> Result<Option<Answer>, E>
    where
        E: From<DbErr> + From<Refused>,
    {
        let values: [Value; 3] =
            [owner(scope).into(), self.marks.lookup.clone().into(), self.now.into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), READ, values);
        let Some(row) = db.query_one_raw(statement).await? else { return Ok(None) };
        let fingerprint: String = row.try_get("", "fingerprint")?;
        if fingerprint != self.marks.fingerprint {
            return Err(Refused::Reused.into());
        }
        let status: i32 = row.try_get("", "status")?;
        let sealed: Option<Vec<u8>> = row.try_get("", "answer")?;
        // Nobody commits a claim without its answer.
        let (Ok(status), Some(sealed)) = (u16::try_from(status), sealed) else { return Ok(None) };
        Ok(Some(Answer::unpack(status, &self.marks.open(&sealed)?)?))
    }
}

/// Whose row it is: the tenant the transaction is about. Where that is all of them, or one that nobody
/// can know before, it is nobody's.
fn owner(scope: Scope) -> Uuid {
    match scope {
        Scope::Tenant(tenant) => tenant,
        Scope::All => Uuid::nil(),
    }
}

async fn execute(
    tx: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, DbErr> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

/// Forgets answers that are past their time, every tenant's. Returns how many.
pub async fn prune_answers(database: &Database, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let mut total = 0;
    for _ in 0..BATCHES {
        let batch = database.transact(Scope::All, |tx: Tx| async move {
            execute(&*tx, PRUNE, [now.into(), BATCH.cast_signed().into()]).await
        });
        let gone: u64 = batch.await?;
        total += gone;
        if gone < BATCH {
            break;
        }
    }
    Ok(total)
}

/// The table of the answers, for the migrator of a service that keeps them; after its own tables.
pub fn idempotency_migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(migration::Migration)]
}

/// Whether a service keeps answers.
pub(crate) fn keeps_answers<M: MigratorTrait>() -> bool {
    M::migrations().iter().any(|migration| migration.name() == migration::NAME)
}
