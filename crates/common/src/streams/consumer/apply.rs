//! Applying a run of events: effects and checkpoint in one transaction, so that neither exists
//! without the other.

use std::time::Duration;

use contracts::Service;
use contracts::event::Envelope;
use sea_orm::{DatabaseTransaction, DbErr};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::store::Locked;
use super::{ConsumeError, Consumer, HandlerError};
use crate::db::{Classify, Fault, Scope, Tx, classify};

/// Events of one transaction: the checkpoint's lock is held that long, and others wait 2 s for it.
const RUN: usize = 64;
/// Attempts before an event becomes a dead letter.
const ATTEMPTS: i64 = 5;

/// What came of a list of events.
pub(super) enum Taken {
    /// All of it is applied; so many by us.
    All(usize),
    /// Positions are missing before the rest; so many were applied before.
    Gap(usize),
}

/// What came of a transaction.
enum Outcome {
    /// Applied; these were given to the handler.
    Applied(Vec<Envelope>),
    /// The checkpoint is not where it was thought to be.
    Elsewhere(i64),
}

/// Why a transaction failed, and at which event.
struct Failure {
    at: Option<usize>,
    error: HandlerError,
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        Self { at: None, error: HandlerError::Db(error) }
    }
}

impl Classify for Failure {
    fn db(&self) -> Option<&DbErr> {
        self.error.db()
    }
}

impl Consumer {
    /// Applies events of one source, ascending. Those applied before are passed over. Where
    /// positions are missing it stops, or with `jump` goes on after the gap: that is for what came
    /// out of the producer's outbox, where missing means pruned.
    pub(super) async fn take(
        &self,
        source: Service,
        events: &[Envelope],
        jump: bool,
        stop: &CancellationToken,
    ) -> Result<Taken, ConsumeError> {
        let mut applied = 0;
        let mut suspect = None;
        let mut at = self.checkpoint(source).await?;
        if let Some(last) = events.last() {
            self.see(source, last.metadata.position);
        }
        loop {
            let rest = &events[events.partition_point(|event| event.metadata.position <= at)..];
            let Some(first) = rest.first().map(|event| event.metadata.position) else {
                return Ok(Taken::All(applied));
            };
            if first > at + 1 {
                if !jump {
                    return Ok(Taken::Gap(applied));
                }
                let (consumer, source) = (self.name(), source.name());
                tracing::error!(consumer, source, at, first, "events were pruned unread; jumping");
            }
            let run = run_of(rest, suspect);
            match self.apply(source, at, run).await {
                Ok(Outcome::Applied(handled)) => {
                    applied += run.len();
                    at = run.last().map_or(at, |event| event.metadata.position);
                    self.set_checkpoint(source, at);
                    self.inner.subscription.handler.committed(&handled).await;
                    if suspect.is_some_and(|suspect| suspect <= at) {
                        suspect = None;
                        self.forget_attempts(self.inner.db.unscoped(), source, at).await?;
                    }
                }
                Ok(Outcome::Elsewhere(now)) if now < 0 => at = self.load_checkpoint(source).await?,
                Ok(Outcome::Elsewhere(now)) => {
                    at = now;
                    self.set_checkpoint(source, at);
                }
                Err(Failure { at: Some(index), error }) if !is_passing(&error) => {
                    suspect = Some(run[index].metadata.position);
                    if index == 0 && self.failed(source, at, &run[0], &error, stop).await? {
                        at = first;
                        self.set_checkpoint(source, at);
                    }
                }
                Err(Failure { error: HandlerError::Db(error), .. }) => return Err(error.into()),
                Err(Failure { error: HandlerError::Failed(text), .. }) => {
                    return Err(DbErr::Custom(text).into());
                }
            }
            if stop.is_cancelled() {
                return Err(ConsumeError::Stopped);
            }
        }
    }

    async fn apply(
        &self,
        source: Service,
        from: i64,
        run: &[Envelope],
    ) -> Result<Outcome, Failure> {
        let to = run.last().map_or(from, |event| event.metadata.position);
        let work = |tx: Tx| async move {
            let tx = &*tx;
            if self.advance(tx, source, from, to).await? {
                for (index, event) in run.iter().enumerate() {
                    self.handle(tx, index, event).await?;
                }
                return Ok(Outcome::Applied(run.to_vec()));
            }
            let Locked { pos, mut dead } = self.lock(tx, source).await?;
            if pos != from {
                return Ok(Outcome::Elsewhere(pos));
            }
            let blocked = self.blocked(tx, source, run).await?;
            let mut handled = Vec::with_capacity(run.len());
            for (index, event) in run.iter().enumerate() {
                if blocked.contains(&event.metadata.aggregate_id) {
                    self.bury(tx, source, event, "behind a dead letter", 0).await?;
                    dead += 1;
                } else {
                    self.handle(tx, index, event).await?;
                    handled.push(event.clone());
                }
            }
            self.set(tx, source, Locked { pos: to, dead }).await?;
            Ok(Outcome::Applied(handled))
        };
        // Events of one run may be of several tenants.
        self.inner.db.transact(Scope::All, work).await
    }

    async fn handle(
        &self,
        tx: &DatabaseTransaction,
        index: usize,
        event: &Envelope,
    ) -> Result<(), Failure> {
        let done = self.inner.subscription.handler.apply(tx, event).await;
        done.map_err(|error| Failure { at: Some(index), error })
    }

    /// Counts a failure of `event`, which is next after `from`. True if it is a dead letter now.
    async fn failed(
        &self,
        source: Service,
        from: i64,
        event: &Envelope,
        error: &HandlerError,
        stop: &CancellationToken,
    ) -> Result<bool, ConsumeError> {
        let pos = event.metadata.position;
        let text = error.to_string();
        let attempts = self.count_attempt(source, pos, &text).await?;
        let (consumer, from_source) = (self.name(), source.name());
        tracing::warn!(consumer, source = from_source, pos, attempts, error = text, "event failed");
        if attempts < ATTEMPTS {
            let factor = 3_u32.pow(u32::try_from(attempts - 1).unwrap_or(0));
            let pause: Duration = self.inner.patience * factor;
            return match stop.run_until_cancelled(sleep(pause)).await {
                Some(()) => Ok(false),
                None => Err(ConsumeError::Stopped),
            };
        }
        let text = text.as_str();
        let work = |tx: Tx| async move {
            let tx = &*tx;
            let Locked { pos: at, dead } = self.lock(tx, source).await?;
            if at != from {
                return Ok(false);
            }
            self.bury(tx, source, event, text, attempts).await?;
            self.forget_attempts(tx, source, pos).await?;
            self.set(tx, source, Locked { pos, dead: dead + 1 }).await?;
            Ok::<bool, DbErr>(true)
        };
        let buried = self.inner.db.transact(Scope::All, work).await?;
        if buried {
            tracing::error!(consumer, source = from_source, pos, error = text, "dead letter");
        }
        Ok(buried)
    }
}

/// The contiguous events at the beginning, a suspect alone.
fn run_of(events: &[Envelope], suspect: Option<i64>) -> &[Envelope] {
    let position = |index: usize| events[index].metadata.position;
    let mut end = 1;
    while end < events.len().min(RUN)
        && position(end) == position(end - 1) + 1
        && suspect != Some(position(end))
        && suspect != Some(position(end - 1))
    {
        end += 1;
    }
    &events[..end]
}

/// Whether the database, not the event, is to blame.
fn is_passing(error: &HandlerError) -> bool {
    let fault = error.db().map(classify);
    matches!(fault, Some(Fault::Unavailable | Fault::Retryable))
}
