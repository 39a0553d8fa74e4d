//! One way to two databases: Postgres (a pool) and `SQLite` (one writer, four readers, one file).
//!
//! [`Database::transact`] is how everything is written: a whole transaction that may run again.
//! [`Database::read`] is how everything else is read. Both are told whose rows may be seen: a [`Scope`].
//! [`classify`] turns what a database says into what a service can act on.

mod connect;
mod fault;
mod migrate;
mod once;
mod row_security;
mod scope;
mod transact;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr, ExecResult, Statement};

pub use fault::{Classify, Fault, answer_lost, classify, outcome_unknown};
pub(crate) use once::keeps_answers;
pub use once::{Answer, Asking, Claim, Once, Refused, idempotency_migrations, prune_answers};
pub use row_security::{
    RUNTIME_ROLE, RowSecurity, no_row_security, row_security, row_security_public,
};
pub use scope::{Reader, SETTING, Scope};
pub use transact::Tx;

/// Which database this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `PostgreSQL` 15 or newer.
    Postgres,
    /// `SQLite` in WAL mode: one process, one file.
    Sqlite,
}

/// How to connect.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections of the Postgres pool. `SQLite` has one writer and four readers whatever this says.
    pub max_connections: u32,
    /// How long a caller waits for a connection before it gets [`Fault::Unavailable`].
    pub acquire_timeout: Duration,
    /// Whom migrations connect as: the owner of the tables. Without, the service's own role.
    pub owner_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_connections: 10, acquire_timeout: Duration::from_secs(2), owner_url: None }
    }
}

/// A database of one service. Clones share the connections.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    /// Of the owner, for migrations.
    owner: String,
    read: DatabaseConnection,
    write: DatabaseConnection,
    statements: DatabaseConnection,
    /// How many connections of `read` may have been closed by the server unnoticed.
    readers: u32,
}

impl Database {
    /// Connects to `postgres://…`, `postgresql://…` or `sqlite://path`.
    ///
    /// Postgres is reached with the first statement, not here, so a service starts while its
    /// database is still down. The `SQLite` file is opened here, and made if it is missing.
    pub async fn connect(url: &str, options: &Options) -> Result<Self, DbErr> {
        let engine = engine_of(url)?;
        let (read, write, statements, readers) = match engine {
            Engine::Postgres => {
                let statements = connect::postgres_statements(url, options).await?;
                let write = connect::postgres(url, options).await?;
                (statements.clone(), write, statements, options.max_connections)
            }
            Engine::Sqlite => {
                let writer = connect::sqlite_writer(url, options).await?;
                (connect::sqlite_readers(url, options).await?, writer.clone(), writer, 0)
            }
        };
        let owner = options.owner_url.clone().unwrap_or_else(|| url.to_owned());
        Ok(Self { inner: Arc::new(Inner { engine, owner, read, write, statements, readers }) })
    }

    /// Which database this is.
    pub fn engine(&self) -> Engine {
        self.inner.engine
    }

    /// For statements that only read, within a scope. On `SQLite` a pool that refuses to write.
    pub fn read(&self, scope: Scope) -> Reader {
        Reader::new(self.inner.read.clone(), scope, self.inner.readers)
    }

    /// The connections as they are, for tables that belong to no tenant (checkpoints, attempts) and
    /// for what knows no tables at all. No tenant is set on them: on Postgres a tenant's table
    /// answers with an error.
    pub fn unscoped(&self) -> &DatabaseConnection {
        &self.inner.write
    }

    /// Runs one statement that is a transaction of its own: the fastest way to write. On Postgres its
    /// connections are never used for anything else, so they need no look before each use, and the
    /// statement itself must set the tenant ([`SETTING`], [`Scope::setting`]) before it touches a
    /// tenant's table.
    pub async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.inner.statements.execute_raw(statement).await
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), DbErr> {
        let reader = self.read(Scope::All);
        let sign = Statement::from_string(reader.get_database_backend(), "SELECT 1 AS alive");
        reader.query_one_raw(sign).await.map(drop)
    }

    /// Closes the connections of every clone, once their statements are done.
    pub async fn close(self) {
        for connection in [&self.inner.read, &self.inner.write, &self.inner.statements] {
            if let Err(error) = connection.close_by_ref().await {
                tracing::debug!(%error, "closing a database connection");
            }
        }
    }
}

fn engine_of(url: &str) -> Result<Engine, DbErr> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Ok(Engine::Postgres)
    } else if url.starts_with("sqlite:") {
        Ok(Engine::Sqlite)
    } else {
        // The URL itself may hold a password.
        Err(DbErr::Custom("database URL must start with postgres:// or sqlite://".to_owned()))
    }
}
