//! Whole transactions that may run again.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnectionTrait as _, DatabaseTransaction, DbErr, RuntimeErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait as _,
};
use tokio::time::{Instant, sleep, timeout};

use super::fault::of_commit;
use super::{Classify, Database, Engine, Fault, SETTING, Scope, classify};

/// How often a transaction is run again.
const RETRIES: u32 = 4;
/// No retry is begun later than this after the first attempt.
const DEADLINE: Duration = Duration::from_secs(4);
/// A single attempt longer than this is cut: the server's own limits should have ended it, so the
/// server is not answering at all.
const ATTEMPT: Duration = Duration::from_secs(12);

/// A transaction under way, as its work sees it.
pub type Tx = Arc<DatabaseTransaction>;

impl Database {
    /// Runs `work` in a transaction and commits it if it is `Ok`. It sees and writes the rows of
    /// `scope` only: on Postgres the tenant is set first, for this transaction.
    ///
    /// When the database asks for it (serialization failure, deadlock, lock timeout, `SQLite` busy)
    /// the whole of `work` is run again, at most four times within four seconds, so it must not
    /// have effects outside the transaction. `SQLite`: `BEGIN IMMEDIATE`. A connection lost in the
    /// commit gives an error of which [`super::outcome_unknown`] is true.
    ///
    /// `work` is given a shared handle, `|tx| async move { … }`, rather than a reference: a future
    /// that borrows its argument cannot be proved `Send` where a handler or a task awaits it. It must
    /// not keep the handle.
    pub async fn transact<T, E, F, W>(&self, scope: Scope, work: F) -> Result<T, E>
    where
        F: Fn(Tx) -> W,
        W: Future<Output = Result<T, E>>,
        E: From<DbErr> + Classify,
    {
        let deadline = Instant::now() + DEADLINE;
        let mut tried = 0;
        loop {
            let silence = || {
                let text = format!("no answer within {ATTEMPT:?}");
                Err(of_commit(DbErr::Conn(RuntimeErr::Internal(text))).into())
            };
            let done =
                timeout(ATTEMPT, self.attempt(scope, &work)).await.unwrap_or_else(|_| silence());
            let Err(error) = done else { return done };
            let again = error.db().is_some_and(|error| classify(error) == Fault::Retryable);
            if !again || tried == RETRIES || Instant::now() >= deadline {
                return Err(error);
            }
            tried += 1;
            sleep(pause(tried)).await;
        }
    }

    async fn attempt<T, E, F, W>(&self, scope: Scope, work: &F) -> Result<T, E>
    where
        F: Fn(Tx) -> W,
        W: Future<Output = Result<T, E>>,
        E: From<DbErr>,
    {
        let shared = Arc::new(self.begin(scope).await?);
        let done = work(Arc::clone(&shared)).await;
        let Some(transaction) = Arc::into_inner(shared) else {
            return Err(DbErr::Custom("the work kept its transaction".to_owned()).into());
        };
        match done {
            Ok(value) => {
                transaction.commit().await.map_err(of_commit)?;
                Ok(value)
            }
            Err(error) => {
                if let Err(refused) = transaction.rollback().await {
                    tracing::debug!(error = %refused, "rolling back");
                }
                Err(error)
            }
        }
    }

    async fn begin(&self, scope: Scope) -> Result<DatabaseTransaction, DbErr> {
        let sqlite_transaction_mode = match self.engine() {
            Engine::Postgres => None,
            Engine::Sqlite => Some(SqliteTransactionMode::Immediate),
        };
        let options = TransactionOptions { sqlite_transaction_mode, ..Default::default() };
        let transaction = self.unscoped().begin_with_options(options).await?;
        if self.engine() == Engine::Postgres {
            let sql = format!("SELECT set_config('{SETTING}', $1, true)");
            let backend = transaction.get_database_backend();
            let values = [scope.setting().into()];
            transaction.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        }
        Ok(transaction)
    }
}

/// 0–20 ms before the second attempt, 0–160 ms before the fifth.
fn pause(tried: u32) -> Duration {
    Duration::from_micros(rand::random_range(0..(10_000 << tried)))
}
