//! Statements in the dialect both databases share.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};

/// A statement with `$1`-style parameters, which Postgres and `SQLite` both read.
pub(super) fn statement<C: ConnectionTrait>(
    connection: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}

/// Runs a statement and returns how many rows it touched.
pub(super) async fn execute<C: ConnectionTrait>(
    connection: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, DbErr> {
    let done = connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(done.rows_affected())
}

/// Runs a statement and returns its first row.
pub(super) async fn one<C: ConnectionTrait>(
    connection: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<QueryResult>, DbErr> {
    connection.query_one_raw(statement(connection, sql, values)).await
}

/// Runs a statement and returns its rows.
pub(super) async fn all<C: ConnectionTrait>(
    connection: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, DbErr> {
    connection.query_all_raw(statement(connection, sql, values)).await
}
