//! What is over and only takes up room: refresh tokens, sessions, recoveries. One row of [`KINDS`]
//! each; more kinds are more rows.

use chrono::{DateTime, Utc};
use common::db::{Database, Scope};
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};

/// Rows one DELETE takes, so that it stays far below the statement timeout.
const BATCH: u64 = 1_000;

/// Before which moments things must have been over to go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cutoffs {
    /// What ran out by itself: `{expired}` in a condition.
    pub(crate) expired: DateTime<Utc>,
    /// What was traded, `{used}`: while it is there, its reuse is noticed.
    pub(crate) used: DateTime<Utc>,
    /// What somebody ended: `{revoked}`.
    pub(crate) revoked: DateTime<Utc>,
}

/// One kind of leftovers. No row is of two kinds.
pub(crate) struct Kind {
    /// For people.
    pub(crate) name: &'static str,
    table: &'static str,
    key: &'static str,
    condition: &'static str,
}

/// Every kind, in the order of their removal: tokens before the sessions they belong to.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "revoked refresh tokens",
        table: "refresh_tokens",
        key: "id",
        condition: "session_id IN (SELECT id FROM sessions WHERE ended_at <= {revoked})",
    },
    Kind {
        name: "used refresh tokens",
        table: "refresh_tokens",
        key: "id",
        condition: "used_at <= {used} AND session_id NOT IN \
                    (SELECT id FROM sessions WHERE ended_at <= {revoked})",
    },
    Kind {
        name: "expired refresh tokens",
        table: "refresh_tokens",
        key: "id",
        condition: "(used_at IS NULL AND expires_at <= {expired} OR used_at > {used} AND \
                    session_id IN (SELECT id FROM sessions WHERE expires_at <= {expired})) \
                    AND session_id NOT IN (SELECT id FROM sessions WHERE ended_at <= {revoked})",
    },
    Kind {
        name: "ended sessions",
        table: "sessions",
        key: "id",
        condition: "ended_at <= {revoked}",
    },
    Kind {
        name: "expired sessions",
        table: "sessions",
        key: "id",
        condition: "ended_at IS NULL AND expires_at <= {expired}",
    },
    Kind {
        name: "expired password recoveries",
        table: "password_recoveries",
        key: "id",
        condition: "expires_at <= {expired}",
    },
];

impl Cutoffs {
    /// `condition` with numbered parameters, and their values.
    fn bind(&self, condition: &str) -> (String, Vec<Value>) {
        let (mut text, mut values) = (condition.to_owned(), Vec::new());
        let marks =
            [("{expired}", self.expired), ("{used}", self.used), ("{revoked}", self.revoked)];
        for (mark, moment) in marks {
            if text.contains(mark) {
                values.push(moment.into());
                text = text.replace(mark, &format!("${}", values.len()));
            }
        }
        (text, values)
    }
}

impl Kind {
    /// How many there are.
    pub(crate) async fn count(
        &self,
        db: &impl ConnectionTrait,
        cutoffs: &Cutoffs,
    ) -> Result<u64, DbErr> {
        let (condition, values) = cutoffs.bind(self.condition);
        let sql = format!("SELECT count(*) FROM {} WHERE {condition}", self.table);
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let row = db.query_one_raw(statement).await?;
        let count: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    /// Removes them, in batches that are transactions of their own. Returns how many.
    pub(crate) async fn remove(
        &self,
        database: &Database,
        cutoffs: &Cutoffs,
    ) -> Result<u64, DbErr> {
        let Self { table, key, .. } = self;
        let (condition, values) = cutoffs.bind(self.condition);
        let sql = format!(
            "DELETE FROM {table} WHERE {key} IN \
             (SELECT {key} FROM {table} WHERE {condition} LIMIT {BATCH})"
        );
        let mut total = 0;
        loop {
            let batch = database.transact(Scope::All, async |tx| {
                let backend = tx.get_database_backend();
                let statement = Statement::from_sql_and_values(backend, &sql, values.clone());
                tx.execute_raw(statement).await
            });
            let gone = batch.await?.rows_affected();
            total += gone;
            if gone < BATCH {
                return Ok(total);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Postgres refuses a statement with a parameter it does not use.
    #[test]
    fn only_what_a_condition_names_is_bound() {
        let moment = DateTime::<Utc>::UNIX_EPOCH;
        let cutoffs = Cutoffs { expired: moment, used: moment, revoked: moment };
        let (text, values) = cutoffs.bind("a <= {revoked} OR b <= {expired} OR c <= {expired}");
        assert_eq!((text.as_str(), values.len()), ("a <= $2 OR b <= $1 OR c <= $1", 2));
    }
}
