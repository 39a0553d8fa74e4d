//! The statements about exports: one row a user, from the request until its document is a day old.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

use super::Tx;

/// How often a document is tried.
pub(crate) const TRIES: i32 = 5;

/// A new request.
pub(crate) struct Request {
    /// Its id.
    pub(crate) id: Uuid,
    /// The user's tenant.
    pub(crate) tenant: Uuid,
    /// The user.
    pub(crate) user: Uuid,
    /// Who asked; the developer is nobody.
    pub(crate) by: Option<Uuid>,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// When it goes, unless a document is ready before.
    pub(crate) expires_at: DateTime<Utc>,
}

/// Where a user's export stands.
pub(crate) enum State {
    /// It is being put together since then.
    Pending(DateTime<Utc>),
    /// It was ready then, until then.
    Ready(DateTime<Utc>, DateTime<Utc>),
    /// It could not be put together.
    Failed,
}

/// An export whose document is to be put together.
#[derive(Clone, Copy)]
pub(crate) struct Due {
    /// Its id.
    pub(crate) id: Uuid,
    /// The user's tenant.
    pub(crate) tenant: Uuid,
    /// The user.
    pub(crate) user: Uuid,
    /// How often it was tried.
    pub(crate) attempts: i32,
}

fn statement(db: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// Where the export of a user stands, if there is one.
pub(crate) async fn state(db: &impl ConnectionTrait, user: Uuid) -> Result<Option<State>, DbErr> {
    let sql = "SELECT state, requested_at, ready_at, expires_at FROM personal_exports \
               WHERE user_id = $1";
    let Some(row) = db.query_one_raw(statement(db, sql, vec![user.into()])).await? else {
        return Ok(None);
    };
    let word: String = row.try_get_by_index(0)?;
    let ready: Option<DateTime<Utc>> = row.try_get_by_index(2)?;
    Ok(Some(match (word.as_str(), ready) {
        ("pending", _) => State::Pending(row.try_get_by_index(1)?),
        ("ready", Some(at)) => State::Ready(at, row.try_get_by_index(3)?),
        (_, _) => State::Failed,
    }))
}

/// The document of a user, if it is ready.
pub(crate) async fn document(
    db: &impl ConnectionTrait,
    user: Uuid,
) -> Result<Option<String>, DbErr> {
    let sql = "SELECT document FROM personal_exports WHERE user_id = $1 AND state = 'ready'";
    let row = db.query_one_raw(statement(db, sql, vec![user.into()])).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.flatten())
}

/// Takes a request down, in the place of the user's last one. The user must be locked.
pub(crate) async fn begin(tx: &Tx, request: &Request) -> Result<(), DbErr> {
    let sql = "INSERT INTO personal_exports (id, tenant_id, user_id, requested_by, requested_at, \
               state, document, attempts, next_try_at, ready_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, 'pending', NULL, 0, $5, NULL, $6) \
               ON CONFLICT (user_id) DO UPDATE SET id = excluded.id, \
               requested_by = excluded.requested_by, requested_at = excluded.requested_at, \
               state = excluded.state, document = NULL, attempts = 0, \
               next_try_at = excluded.next_try_at, ready_at = NULL, \
               expires_at = excluded.expires_at";
    let values = vec![
        request.id.into(),
        request.tenant.into(),
        request.user.into(),
        request.by.into(),
        request.at.into(),
        request.expires_at.into(),
    ];
    tx.execute_raw(statement(tx, sql, values)).await.map(drop)
}

/// Some exports to be put together now, the oldest first.
pub(crate) async fn due(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<Due>, DbErr> {
    let sql = "SELECT id, tenant_id, user_id, attempts FROM personal_exports \
               WHERE state = 'pending' AND next_try_at <= $1 ORDER BY requested_at, id LIMIT 20";
    let rows = db.query_all_raw(statement(db, sql, vec![now.into()])).await?;
    let read = |row: &QueryResult| {
        Ok(Due {
            id: row.try_get_by_index(0)?,
            tenant: row.try_get_by_index(1)?,
            user: row.try_get_by_index(2)?,
            attempts: row.try_get_by_index(3)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Takes an export for one try; `false` if somebody else has taken it. The next try is not before
/// `next_try`, whether or not this one comes to its end.
pub(crate) async fn claim(tx: &Tx, due: &Due, next_try: DateTime<Utc>) -> Result<bool, DbErr> {
    let sql = "UPDATE personal_exports SET attempts = attempts + 1, next_try_at = $1 \
               WHERE id = $2 AND attempts = $3 AND state = 'pending'";
    let values = vec![next_try.into(), due.id.into(), due.attempts.into()];
    Ok(tx.execute_raw(statement(tx, sql, values)).await?.rows_affected() == 1)
}

/// Keeps the document. Nothing happens if the request is gone, as that of a user who was removed.
pub(crate) async fn ready(
    tx: &Tx,
    id: Uuid,
    document: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), DbErr> {
    let sql = "UPDATE personal_exports SET state = 'ready', document = $1, ready_at = $2, \
               expires_at = $3 WHERE id = $4 AND state = 'pending'";
    let values = vec![document.into(), now.into(), expires_at.into(), id.into()];
    tx.execute_raw(statement(tx, sql, values)).await.map(drop)
}

/// No document any more for this request.
pub(crate) async fn give_up(tx: &Tx, id: Uuid) -> Result<(), DbErr> {
    let sql = "UPDATE personal_exports SET state = 'failed' WHERE id = $1 AND state = 'pending'";
    tx.execute_raw(statement(tx, sql, vec![id.into()])).await.map(drop)
}

/// Removes the export of a user, and the user from the exports that the user asked for.
pub(crate) async fn delete_of_user(tx: &Tx, user: Uuid) -> Result<(), DbErr> {
    for sql in [
        "DELETE FROM personal_exports WHERE user_id = $1",
        "UPDATE personal_exports SET requested_by = NULL WHERE requested_by = $1",
    ] {
        tx.execute_raw(statement(tx, sql, vec![user.into()])).await?;
    }
    Ok(())
}

/// Removes the exports of a tenant's users.
pub(crate) async fn delete_of_tenant(tx: &Tx, tenant: Uuid) -> Result<(), DbErr> {
    let sql = "DELETE FROM personal_exports WHERE tenant_id = $1";
    tx.execute_raw(statement(tx, sql, vec![tenant.into()])).await.map(drop)
}

/// Removes what has expired.
pub(crate) async fn prune(tx: &Tx, now: DateTime<Utc>) -> Result<(), DbErr> {
    let sql = "DELETE FROM personal_exports WHERE expires_at <= $1";
    tx.execute_raw(statement(tx, sql, vec![now.into()])).await.map(drop)
}
