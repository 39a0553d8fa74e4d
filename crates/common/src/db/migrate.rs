//! Migrations: by one process at a time.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr, RuntimeErr};
use sea_orm_migration::MigratorTrait;

use super::{Database, Engine, connect, row_security};

/// The key of the advisory lock ("marca" in ASCII), one per database.
const LOCK: &str = "SET lock_timeout = 0; SELECT pg_advisory_lock(469786321761); \
                    SET lock_timeout = '5s'";
/// How long a second migrator waits for the first.
const WAIT: Duration = Duration::from_mins(1);

impl Database {
    /// Applies every migration that is still pending, and lets the runtime role use the tables.
    ///
    /// On Postgres under an advisory lock that is held by the very connection the migrations run
    /// on: when it is lost, both are over.
    pub async fn migrate<M: MigratorTrait>(&self) -> Result<(), DbErr> {
        match self.engine() {
            Engine::Sqlite => M::up(self.unscoped(), None).await,
            Engine::Postgres => {
                let connection = self.locked().await?;
                let done = applied::<M>(&connection).await;
                closed(connection, done).await
            }
        }
    }

    /// Takes the last `steps` migrations back, or all of them. For tests and development.
    pub async fn migrate_down<M: MigratorTrait>(&self, steps: Option<u32>) -> Result<(), DbErr> {
        match self.engine() {
            Engine::Sqlite => M::down(self.unscoped(), steps).await,
            Engine::Postgres => {
                let connection = self.locked().await?;
                let done = M::down(&connection, steps).await;
                closed(connection, done).await
            }
        }
    }

    /// The names of the migrations that have not been applied. Changes nothing.
    pub async fn pending<M: MigratorTrait>(&self) -> Result<Vec<String>, DbErr> {
        let pending = M::get_pending_migrations_read_only(self.unscoped()).await?;
        Ok(pending.iter().map(|migration| migration.name().to_owned()).collect())
    }

    async fn locked(&self) -> Result<DatabaseConnection, DbErr> {
        let connection = connect::postgres_migration(&self.inner.owner).await?;
        let locked = tokio::time::timeout(WAIT, connection.execute_unprepared(LOCK)).await;
        match locked {
            Ok(Ok(_)) => Ok(connection),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                let text = format!("another migration has been running for {WAIT:?}");
                Err(DbErr::Conn(RuntimeErr::Internal(text)))
            }
        }
    }
}

/// Where nothing is pending nothing is touched: a role that owns nothing may find that out, too.
async fn applied<M: MigratorTrait>(connection: &DatabaseConnection) -> Result<(), DbErr> {
    if !M::get_pending_migrations_read_only(connection).await?.is_empty() {
        M::up(connection, None).await?;
    }
    row_security::grant(connection, &M::migration_table_name().to_string()).await
}

/// The lock ends with the session.
async fn closed<T>(connection: DatabaseConnection, done: Result<T, DbErr>) -> Result<T, DbErr> {
    connection.close().await?;
    done
}
