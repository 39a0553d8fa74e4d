//! Removes refresh tokens and sessions that are over. What it names are kinds and counts, never a
//! token.

use chrono::{DateTime, TimeDelta, Utc};
use common::auth::Scope;
use common::db::Database;

use crate::store::DbErr;
use crate::store::leftovers::{Cutoffs, KINDS};

/// For how many days what is over is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keep {
    /// Refresh tokens that were traded: so long their reuse is noticed.
    pub(crate) used: u16,
    /// What ran out by itself.
    pub(crate) expired: u16,
    /// What somebody ended.
    pub(crate) revoked: u16,
}

impl Default for Keep {
    /// No session lives longer than thirty days, so no reuse goes unnoticed.
    fn default() -> Self {
        Self { used: 30, expired: 7, revoked: 30 }
    }
}

impl Keep {
    fn cutoffs(self, now: DateTime<Utc>) -> Cutoffs {
        let before = |days: u16| now - TimeDelta::days(i64::from(days));
        Cutoffs {
            expired: before(self.expired),
            used: before(self.used),
            revoked: before(self.revoked),
        }
    }
}

/// Removes what is over, or only counts it (`dry`). Returns the count of each kind.
pub(crate) async fn cleanup(
    database: &Database,
    now: DateTime<Utc>,
    keep: Keep,
    dry: bool,
) -> Result<Vec<(&'static str, u64)>, DbErr> {
    let cutoffs = keep.cutoffs(now);
    let mut counts = Vec::with_capacity(KINDS.len());
    for kind in KINDS {
        let count = if dry {
            kind.count(&database.read(Scope::All), &cutoffs).await?
        } else {
            kind.remove(database, &cutoffs).await?
        };
        counts.push((kind.name, count));
    }
    Ok(counts)
}
