//! The statements about people who have forgotten their password. A request of an unknown account is a
//! row as well, without a user: nobody can tell the two apart by what happens.

use chrono::{DateTime, Utc};
use contracts::personal::RecoveryRecord;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

use super::Tx;

/// How often a mail is tried.
pub(crate) const TRIES: i32 = 5;

/// A new request.
pub(crate) struct Request {
    /// Its id.
    pub(crate) id: Uuid,
    /// The user's tenant; nil where there is no such user.
    pub(crate) tenant: Uuid,
    /// The user, if there is one.
    pub(crate) user: Option<Uuid>,
    /// The account as it was written.
    pub(crate) account_key: String,
    /// The client, if known.
    pub(crate) ip_key: Option<String>,
    /// When it was made.
    pub(crate) requested_at: DateTime<Utc>,
    /// When it ends, unless a mail goes out before.
    pub(crate) expires_at: DateTime<Utc>,
}

/// A request that waits for its mail.
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

/// Whom a token belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    /// The user's tenant.
    pub(crate) tenant: Uuid,
    /// The user.
    pub(crate) user: Uuid,
}

fn statement(db: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// Lets requests about one account, or from one client, come one after the other until the transaction
/// ends. `SQLite` has one writer anyway.
pub(crate) async fn hold(tx: &Tx, key: &str) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        tx.execute_raw(statement(tx, sql, vec![key.into()])).await?;
    }
    Ok(())
}

/// How many requests of an account are neither used nor at their end, and how many a client has made
/// since `since`.
pub(crate) async fn live(
    tx: &Tx,
    request: &Request,
    since: DateTime<Utc>,
) -> Result<(i64, i64), DbErr> {
    let sql = "SELECT (SELECT COUNT(*) FROM password_recoveries \
               WHERE account_key = $1 AND used_at IS NULL AND expires_at > $2), \
               (SELECT COUNT(*) FROM password_recoveries WHERE ip_key = $3 AND requested_at > $4)";
    let values = vec![
        request.account_key.clone().into(),
        request.requested_at.into(),
        request.ip_key.clone().into(),
        since.into(),
    ];
    match tx.query_one_raw(statement(tx, sql, values)).await? {
        Some(row) => Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)),
        None => Ok((0, 0)),
    }
}

/// Stores a request.
pub(crate) async fn insert(tx: &Tx, request: &Request) -> Result<(), DbErr> {
    let sql = "INSERT INTO password_recoveries (id, tenant_id, user_id, account_key, ip_key, \
               requested_at, attempts, next_try_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6, 0, $6, $7)";
    let values = vec![
        request.id.into(),
        request.tenant.into(),
        request.user.into(),
        request.account_key.clone().into(),
        request.ip_key.clone().into(),
        request.requested_at.into(),
        request.expires_at.into(),
    ];
    tx.execute_raw(statement(tx, sql, values)).await.map(drop)
}

/// Some requests whose mail is to be sent now, the oldest first.
pub(crate) async fn due(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<Due>, DbErr> {
    let sql = "SELECT id, tenant_id, user_id, attempts FROM password_recoveries \
               WHERE user_id IS NOT NULL AND sent_at IS NULL AND used_at IS NULL \
               AND attempts < $1 AND next_try_at <= $2 AND expires_at > $2 \
               ORDER BY requested_at, id LIMIT 20";
    let rows = db.query_all_raw(statement(db, sql, vec![TRIES.into(), now.into()])).await?;
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

/// Takes a request for one try and gives it a new token; `false` if somebody else has taken it. The
/// next try is not before `next_try`, whether or not this one comes to its end.
pub(crate) async fn claim(
    tx: &Tx,
    due: &Due,
    token_hash: &str,
    next_try: DateTime<Utc>,
    expires: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let sql = "UPDATE password_recoveries SET token_hash = $1, attempts = attempts + 1, \
               next_try_at = $2, expires_at = $3 \
               WHERE id = $4 AND attempts = $5 AND sent_at IS NULL AND used_at IS NULL";
    let values = vec![
        token_hash.into(),
        next_try.into(),
        expires.into(),
        due.id.into(),
        due.attempts.into(),
    ];
    Ok(tx.execute_raw(statement(tx, sql, values)).await?.rows_affected() == 1)
}

/// Notes that the mail with this token is out.
pub(crate) async fn sent(tx: &Tx, token_hash: &str, now: DateTime<Utc>) -> Result<(), DbErr> {
    let sql = "UPDATE password_recoveries SET sent_at = $1 WHERE token_hash = $2";
    tx.execute_raw(statement(tx, sql, vec![now.into(), token_hash.into()])).await.map(drop)
}

/// No mail for this request any more.
pub(crate) async fn give_up(tx: &Tx, id: Uuid) -> Result<(), DbErr> {
    let sql = "UPDATE password_recoveries SET attempts = $1 WHERE id = $2";
    tx.execute_raw(statement(tx, sql, vec![TRIES.into(), id.into()])).await.map(drop)
}

/// Whose token this is, if it is still good.
pub(crate) async fn owner(
    db: &impl ConnectionTrait,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<Owner>, DbErr> {
    let sql = "SELECT tenant_id, user_id FROM password_recoveries \
               WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 AND user_id IS NOT NULL";
    let values = vec![token_hash.into(), now.into()];
    read_owner(db.query_one_raw(statement(db, sql, values)).await?)
}

/// Uses a token up: of two who present it only one gets its owner.
pub(crate) async fn consume(
    tx: &Tx,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<Owner>, DbErr> {
    let sql = "UPDATE password_recoveries SET used_at = $2 \
               WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 \
               AND user_id IS NOT NULL RETURNING tenant_id, user_id";
    let values = vec![token_hash.into(), now.into()];
    read_owner(tx.query_one_raw(statement(tx, sql, values)).await?)
}

fn read_owner(row: Option<QueryResult>) -> Result<Option<Owner>, DbErr> {
    let read = |row: QueryResult| {
        Ok(Owner { tenant: row.try_get_by_index(0)?, user: row.try_get_by_index(1)? })
    };
    row.map(read).transpose()
}

/// Uses up every token of a user: the password is a new one.
pub(crate) async fn spend(tx: &Tx, user: Uuid, now: DateTime<Utc>) -> Result<(), DbErr> {
    let sql = "UPDATE password_recoveries SET used_at = $1 WHERE user_id = $2 AND used_at IS NULL";
    tx.execute_raw(statement(tx, sql, vec![now.into(), user.into()])).await.map(drop)
}

/// Every request of a user, the oldest first.
pub(crate) async fn all_of(
    db: &impl ConnectionTrait,
    user: Uuid,
) -> Result<Vec<RecoveryRecord>, DbErr> {
    let sql = "SELECT requested_at, sent_at, used_at, expires_at FROM password_recoveries \
               WHERE user_id = $1 ORDER BY requested_at, id";
    let rows = db.query_all_raw(statement(db, sql, vec![user.into()])).await?;
    let read = |row: &QueryResult| {
        Ok(RecoveryRecord {
            requested_at: row.try_get_by_index(0)?,
            sent_at: row.try_get_by_index(1)?,
            used_at: row.try_get_by_index(2)?,
            expires_at: row.try_get_by_index(3)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Removes the requests of a user.
pub(crate) async fn delete_of_user(tx: &Tx, user: Uuid) -> Result<(), DbErr> {
    let sql = "DELETE FROM password_recoveries WHERE user_id = $1";
    tx.execute_raw(statement(tx, sql, vec![user.into()])).await.map(drop)
}

/// Removes the requests of a tenant's users.
pub(crate) async fn delete_of_tenant(tx: &Tx, tenant: Uuid) -> Result<(), DbErr> {
    let sql = "DELETE FROM password_recoveries WHERE tenant_id = $1";
    tx.execute_raw(statement(tx, sql, vec![tenant.into()])).await.map(drop)
}

/// Removes requests made before `before`; none of them is good any more.
pub(crate) async fn prune(tx: &Tx, before: DateTime<Utc>) -> Result<(), DbErr> {
    let sql = "DELETE FROM password_recoveries WHERE requested_at < $1";
    tx.execute_raw(statement(tx, sql, vec![before.into()])).await.map(drop)
}
