//! The statements that slow guessing down. Times are milliseconds since 1970.

use sea_orm::{ConnectionTrait as _, DbErr, Statement, Value};

use super::Tx;

/// What a try under a key came to.
pub(crate) enum Counted {
    /// It may be made. Unless it is given back or the key is cleared it has failed, and the next one
    /// waits until then.
    Granted(i64),
    /// It may not be made before then. Nothing was counted.
    Refused(i64),
}

/// How a key is throttled, as the statements need it.
pub(crate) struct Terms<'t> {
    /// The key.
    pub(crate) key: &'t str,
    /// Failures up to here are forgotten.
    pub(crate) forgotten_ms: i64,
    /// The delay in milliseconds after so many failures, for each count that changes it, and the delay
    /// after all further ones.
    pub(crate) delays: &'t [(i64, i64)],
    /// The longest delay.
    pub(crate) cap_ms: i64,
}

fn statement(tx: &Tx, sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(tx.get_database_backend(), sql, values)
}

/// Counts a try as failed before it is made, in one statement, so that of tries at the same time no
/// more get through than of tries one after the other.
pub(crate) async fn count(tx: &Tx, terms: &Terms<'_>, now_ms: i64) -> Result<Counted, DbErr> {
    let failures = "CASE WHEN t.last_at_ms <= $3 THEN 1 ELSE t.failures + 1 END";
    let sql = format!(
        "INSERT INTO sign_in_throttle AS t (throttle_key, failures, last_at_ms, blocked_until_ms) \
         VALUES ($1, 1, $2, $2) \
         ON CONFLICT (throttle_key) DO UPDATE SET failures = {failures}, last_at_ms = $2, \
         blocked_until_ms = $2 + {} WHERE t.blocked_until_ms <= $2 \
         RETURNING blocked_until_ms",
        delay(failures, terms),
    );
    let values = vec![terms.key.into(), now_ms.into(), terms.forgotten_ms.into()];
    if let Some(row) = tx.query_one_raw(statement(tx, &sql, values)).await? {
        return Ok(Counted::Granted(row.try_get_by_index(0)?));
    }
    let sql = "SELECT blocked_until_ms FROM sign_in_throttle WHERE throttle_key = $1";
    let row = tx.query_one_raw(statement(tx, sql, vec![terms.key.into()])).await?;
    let until = row.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(Counted::Refused(until.unwrap_or(now_ms)))
}

/// The delay after `failures`, as an expression.
fn delay(failures: &str, terms: &Terms<'_>) -> String {
    let steps: Vec<String> = terms
        .delays
        .iter()
        .map(|(up_to, delay)| format!("WHEN {failures} <= {up_to} THEN {delay}"))
        .collect();
    format!("CASE {} ELSE {} END", steps.join(" "), terms.cap_ms)
}

/// Takes back a try that was granted and did not fail. Only the wait that it caused goes with it.
pub(crate) async fn give_back(
    tx: &Tx,
    key: &str,
    granted_ms: i64,
    now_ms: i64,
) -> Result<(), DbErr> {
    let sql = "UPDATE sign_in_throttle SET \
               failures = CASE WHEN failures > 0 THEN failures - 1 ELSE 0 END, \
               blocked_until_ms = CASE WHEN blocked_until_ms = $2 THEN $3 ELSE blocked_until_ms END \
               WHERE throttle_key = $1";
    let values = vec![key.into(), granted_ms.into(), now_ms.into()];
    tx.execute_raw(statement(tx, sql, values)).await.map(drop)
}

/// Forgets the failures under a key.
pub(crate) async fn clear(tx: &Tx, key: &str) -> Result<(), DbErr> {
    let sql = "DELETE FROM sign_in_throttle WHERE throttle_key = $1";
    tx.execute_raw(statement(tx, sql, vec![key.into()])).await.map(drop)
}

/// Removes what is forgotten anyway; nobody waits that long.
pub(crate) async fn prune(tx: &Tx, forgotten_ms: i64) -> Result<(), DbErr> {
    let sql = "DELETE FROM sign_in_throttle WHERE last_at_ms <= $1";
    tx.execute_raw(statement(tx, sql, vec![forgotten_ms.into()])).await.map(drop)
}
