//! Reading producers' outboxes: for gaps, and for when the bus is away.

use std::time::Duration;

use contracts::Service;
use contracts::event::Envelope;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::apply::Taken;
use super::{ConsumeError, Consumer};

/// Events of one answer.
const PAGE: u64 = 500;
/// How long another replica, which may hold the events before ours, is given.
const COURTESY: Duration = Duration::from_millis(100);
/// Answers of one pull; more is for the next one.
const PAGES: usize = 1_000;

impl Consumer {
    /// Applies what the outboxes of all sources have. One that cannot be reached does not keep the
    /// others waiting; its error is returned in the end.
    pub(super) async fn pull_all(&self, stop: &CancellationToken) -> Result<usize, ConsumeError> {
        let mut total = 0;
        let mut failed = None;
        for source in &self.inner.subscription.sources {
            match self.pull(*source, i64::MAX, stop).await {
                Ok(applied) => total += applied,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(total), Err)
    }

    /// Applies what the outbox of `source` has, up to `target` at least.
    async fn pull(
        &self,
        source: Service,
        target: i64,
        stop: &CancellationToken,
    ) -> Result<usize, ConsumeError> {
        let mut total = 0;
        for _ in 0..PAGES {
            let at = self.checkpoint(source).await?;
            if at >= target {
                break;
            }
            let page = self.inner.clients.outbox(source, at, PAGE).await?;
            if page.is_empty() {
                break;
            }
            match self.take(source, &page, true, stop).await? {
                Taken::All(applied) | Taken::Gap(applied) => total += applied,
            }
            if page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                break;
            }
        }
        Ok(total)
    }

    /// Applies events that came by the bus, and fetches what is missing before them.
    pub(super) async fn feed(
        &self,
        source: Service,
        events: &[Envelope],
        stop: &CancellationToken,
    ) -> Result<usize, ConsumeError> {
        let mut total = 0;
        loop {
            match self.take(source, events, false, stop).await? {
                Taken::All(applied) => return Ok(total + applied),
                Taken::Gap(applied) => total += applied,
            }
            let at = self.checkpoint(source).await?;
            let next = events.iter().map(|event| event.metadata.position).find(|pos| *pos > at);
            let Some(next) = next else { continue };
            if self.wait_for_others(source, next - 1).await? {
                continue;
            }
            tracing::debug!(consumer = self.name(), source = source.name(), at, next, "gap");
            total += self.pull(source, next - 1, stop).await?;
            if self.load_checkpoint(source).await? + 1 < next {
                // The producer does not have it either, and yet it has what comes after.
                let (consumer, source) = (self.name(), source.name());
                tracing::error!(consumer, source, next, "the producer's outbox lacks events");
                return Ok(total);
            }
        }
    }

    /// With several replicas each gets a part of the stream: whoever has the part before ours is
    /// probably applying it just now. True once that is done.
    async fn wait_for_others(&self, source: Service, target: i64) -> Result<bool, ConsumeError> {
        let deadline = Instant::now() + COURTESY;
        let mut pause = Duration::from_millis(2);
        while self.load_checkpoint(source).await? < target {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            sleep(pause).await;
            pause *= 2;
        }
        Ok(true)
    }
}
