//! `cleanup-tokens`: removes refresh tokens and sessions that are over, before the hourly job does.

use std::process::ExitCode;

use clap::Args;
use common::lifecycle::{Bench, say};
use contracts::Service;

use crate::app::{Keep, cleanup};

/// What is kept, and whether anything is removed at all.
#[derive(Debug, Args)]
pub struct Cleanup {
    /// Only count what would be removed.
    #[arg(long)]
    dry_run: bool,
    /// Keep refresh tokens that were traded for newer ones for so many days: their reuse is noticed.
    #[arg(long, value_name = "N", default_value_t = Keep::default().used)]
    older_than_days: u16,
    /// Keep refresh tokens and sessions that ran out by themselves for so many days.
    #[arg(long, value_name = "N", default_value_t = Keep::default().expired)]
    keep_expired_days: u16,
    /// Keep sessions that were ended, and their refresh tokens, for so many days.
    #[arg(long, value_name = "N", default_value_t = Keep::default().revoked)]
    keep_revoked_days: u16,
}

/// Counts are all it says.
pub(super) async fn run(wanted: Cleanup, bench: Bench<'_>) -> Result<ExitCode, String> {
    let platform = bench.open()?;
    let database = platform.database(Service::User).await.map_err(|error| error.to_string())?;
    let keep = Keep {
        used: wanted.older_than_days,
        expired: wanted.keep_expired_days,
        revoked: wanted.keep_revoked_days,
    };
    let done = cleanup(&database, platform.clock.now(), keep, wanted.dry_run).await;
    let counts = done.map_err(|error| error.to_string())?;
    let verb = if wanted.dry_run { "would remove" } else { "removed" };
    for (kind, count) in counts {
        say(&format!("{verb} {count} {kind}"));
    }
    database.close().await;
    Ok(ExitCode::SUCCESS)
}
