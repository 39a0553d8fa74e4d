//! Connections, with the settings that keep the promises of durability.

use std::time::Duration;

use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{Error, Executor as _, Row as _};
use sea_orm::{ConnectOptions, DatabaseConnection, DbErr};

use super::{Options, SETTING};

/// Limits the server itself enforces, so that no client can hold locks for ever.
const LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "5s"),
    ("lock_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "10s"),
];
/// DDL may take as long as it needs, but must not queue for a lock in front of the traffic.
const MIGRATION_LIMITS: [(&str, &str); 4] = [
    // A migration is every tenant's: an owner who is no superuser is behind the policies too.
    (SETTING, "*"),
    ("statement_timeout", "0"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "0"),
];
const READERS: u32 = 4;
/// A connection used so recently is taken to be alive.
const RECENT: Duration = Duration::from_secs(1);

/// The pool; it connects with the first statement.
pub(super) async fn postgres(url: &str, options: &Options) -> Result<DatabaseConnection, DbErr> {
    let mut connect = postgres_options(url, &LIMITS);
    connect.max_connections(options.max_connections).acquire_timeout(options.acquire_timeout);
    sea_orm::Database::connect(connect).await
}

/// The pool for statements that are a transaction each. Nothing is ever begun on it, so nothing can
/// be left open on it, and a connection used a moment ago is taken without asking.
pub(super) async fn postgres_statements(
    url: &str,
    options: &Options,
) -> Result<DatabaseConnection, DbErr> {
    let mut connect = postgres_options(url, &LIMITS);
    connect.max_connections(options.max_connections).acquire_timeout(options.acquire_timeout);
    connect.map_sqlx_postgres_before_acquire(|connection, used| {
        Box::pin(async move {
            if used.idle_for < RECENT { Ok(true) } else { outside_transaction(connection).await }
        })
    });
    sea_orm::Database::connect(connect).await
}

/// Exactly one connection, for migrations and the lock they run under.
pub(super) async fn postgres_migration(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut connect = postgres_options(url, &MIGRATION_LIMITS);
    connect.max_connections(1).acquire_timeout(Duration::from_secs(10));
    connect.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
    sea_orm::Database::connect(connect).await
}

fn postgres_options(url: &str, limits: &'static [(&str, &str)]) -> ConnectOptions {
    // sea-orm knows only the first of the two spellings.
    let rest = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://"));
    let mut connect = ConnectOptions::new(format!("postgres://{}", rest.unwrap_or(url)));
    connect
        .connect_lazy(true)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .set_application_name("marca")
        .test_before_acquire(false)
        .map_sqlx_postgres_opts(move |options| options.options(limits.iter().copied()))
        .map_sqlx_postgres_before_acquire(|connection, _| {
            Box::pin(outside_transaction(connection))
        });
    connect
}

/// Whether the connection is alive and in no transaction.
///
/// sqlx 0.9.0 returns a connection whose `BEGIN` was cut short (client gone, timeout) to the pool
/// with the transaction open; the next borrower's write would be answered and then vanish. Inside a
/// transaction `now()` stands still, so it differs from the statement's own time. The simple query
/// protocol is needed: the extended one moves `statement_timestamp()` on between bind and execute.
async fn outside_transaction(connection: &mut PgConnection) -> Result<bool, Error> {
    let row = connection.fetch_one("SELECT now() = statement_timestamp()").await?;
    row.try_get(0)
}

/// The one connection that writes.
pub(super) async fn sqlite_writer(
    url: &str,
    options: &Options,
) -> Result<DatabaseConnection, DbErr> {
    let mut connect = sqlite_options(url, options);
    connect.max_connections(1).map_sqlx_sqlite_opts(durable);
    sea_orm::Database::connect(connect).await
}

/// Connections that read beside it.
pub(super) async fn sqlite_readers(
    url: &str,
    options: &Options,
) -> Result<DatabaseConnection, DbErr> {
    let mut connect = sqlite_options(url, options);
    connect
        .max_connections(READERS)
        .map_sqlx_sqlite_opts(|options| durable(options).pragma("query_only", "on"));
    sea_orm::Database::connect(connect).await
}

fn sqlite_options(url: &str, options: &Options) -> ConnectOptions {
    let mut connect = ConnectOptions::new(url);
    connect
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire(false)
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>);
    connect
}

fn durable(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
}
