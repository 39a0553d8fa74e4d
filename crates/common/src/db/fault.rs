//! What a database error means to a service.

use sea_orm::sqlx::Error;
use sea_orm::sqlx::error::DatabaseError;
use sea_orm::{DbErr, RuntimeErr};

/// What a database error means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The interval is taken: the exclusion constraint on Postgres, the trigger on `SQLite`.
    Overlap,
    /// A unique key is taken: the constraint on Postgres, `table.column, …` on `SQLite`.
    Unique(Option<String>),
    /// A row that is referred to is missing, or one that is to go is still referred to.
    ForeignKey,
    /// The database cannot be reached, is overloaded, or cut the statement short.
    Unavailable,
    /// Nothing happened; the whole transaction may be run again.
    Retryable,
    /// A mistake of ours.
    Other,
}

/// What the `SQLite` triggers raise when an interval is taken.
const OVERLAP_TRIGGER: &str = "booking_no_overlap";
/// The constraint that refuses more places than a resource has.
const CAPACITY_CHECK: &str = "usage_within_capacity";
/// Marks an error after which nobody knows whether the transaction was committed.
const UNKNOWN: &str = "outcome of the commit unknown: ";

/// Lets [`super::Database::transact`] see the database error inside an error of the caller's.
pub trait Classify {
    /// The database error, if it was one.
    fn db(&self) -> Option<&DbErr>;
}

impl Classify for DbErr {
    fn db(&self) -> Option<&DbErr> {
        Some(self)
    }
}

/// Reads SQLSTATE and `SQLite`'s extended result codes, never the message, except the trigger's own.
pub fn classify(err: &DbErr) -> Fault {
    if let DbErr::ConnectionAcquire(_) | DbErr::Conn(RuntimeErr::Internal(_)) = err {
        return Fault::Unavailable;
    }
    match driver(err) {
        Some(Error::Database(answer)) => match answer.code().as_deref() {
            Some(state) if state.len() == 5 => postgres(state, answer.as_ref()),
            Some(code) => sqlite(code, answer.as_ref()),
            None => Fault::Other,
        },
        Some(
            Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::PoolTimedOut
            | Error::PoolClosed
            | Error::WorkerCrashed,
        ) => Fault::Unavailable,
        Some(_) | None => Fault::Other,
    }
}

/// Whether the connection was lost while committing: the transaction may or may not have happened.
/// [`classify`] says [`Fault::Unavailable`] of it.
pub fn outcome_unknown(err: &DbErr) -> bool {
    matches!(err, DbErr::Conn(RuntimeErr::Internal(text)) if text.starts_with(UNKNOWN))
}

/// Whether a single statement may have been carried out although it has no answer: the connection
/// was lost under it. A database that answers with an error has not.
pub fn answer_lost(err: &DbErr) -> bool {
    matches!(driver(err), Some(Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed))
}

/// Whether the server has closed the connection, before the statement or under it.
pub(super) fn connection_lost(err: &DbErr) -> bool {
    let closed =
        |answer: &dyn DatabaseError| matches!(answer.code().as_deref(), Some("57P01" | "57P02"));
    answer_lost(err)
        || matches!(driver(err), Some(Error::Database(answer)) if closed(answer.as_ref()))
}

/// Whether Postgres gave up waiting for a lock.
pub(super) fn lock_timed_out(err: &DbErr) -> bool {
    matches!(driver(err), Some(Error::Database(answer)) if answer.code().as_deref() == Some("55P03"))
}

/// Marks the error of a commit: see [`outcome_unknown`].
pub(super) fn of_commit(err: DbErr) -> DbErr {
    match classify(&err) {
        Fault::Unavailable => DbErr::Conn(RuntimeErr::Internal(format!("{UNKNOWN}{err}"))),
        Fault::Overlap | Fault::Unique(_) | Fault::ForeignKey | Fault::Retryable | Fault::Other => {
            err
        }
    }
}

fn driver(err: &DbErr) -> Option<&Error> {
    let (DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause)) = err else { return None };
    match cause {
        RuntimeErr::SqlxError(error) => Some(error),
        RuntimeErr::Internal(_) => None,
    }
}

fn postgres(state: &str, answer: &dyn DatabaseError) -> Fault {
    match state {
        "23P01" => Fault::Overlap,
        "23514" if answer.constraint() == Some(CAPACITY_CHECK) => Fault::Overlap,
        "23505" => Fault::Unique(answer.constraint().map(str::to_owned)),
        "23503" => Fault::ForeignKey,
        "40001" | "40P01" | "55P03" => Fault::Retryable,
        // Shut down, starting up, too many connections, timed out by a limit of the server.
        "57P01" | "57P02" | "57P03" | "53300" | "57014" | "25P03" => Fault::Unavailable,
        _ if state.starts_with("08") => Fault::Unavailable,
        _ => Fault::Other,
    }
}

fn sqlite(code: &str, answer: &dyn DatabaseError) -> Fault {
    match code {
        "1811" if answer.message().contains(OVERLAP_TRIGGER) => Fault::Overlap,
        "275" if answer.message().contains(CAPACITY_CHECK) => Fault::Overlap,
        "2067" | "1555" => {
            let columns = answer.message().rsplit_once(": ").map(|(_, columns)| columns.to_owned());
            Fault::Unique(columns)
        }
        "787" => Fault::ForeignKey,
        // BUSY, BUSY_SNAPSHOT.
        "5" | "517" => Fault::Retryable,
        // FULL, IOERR and its kin end in 10.
        "13" | "10" => Fault::Unavailable,
        _ => Fault::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_commit_is_marked_and_still_unavailable() {
        let lost = DbErr::Query(RuntimeErr::SqlxError(Error::WorkerCrashed.into()));
        assert_eq!(classify(&lost), Fault::Unavailable);
        assert!(!outcome_unknown(&lost));
        let marked = of_commit(lost);
        assert!(outcome_unknown(&marked));
        assert_eq!(classify(&marked), Fault::Unavailable);
    }

    #[test]
    fn what_is_no_answer_of_the_database_is_ours() {
        assert_eq!(classify(&DbErr::Custom("x".to_owned())), Fault::Other);
        assert_eq!(classify(&DbErr::RecordNotInserted), Fault::Other);
    }
}
