//! The loop of a consumer.

use std::time::Duration;

use contracts::Service;
use contracts::event::Envelope;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{ConsumeError, Consumer};
use crate::streams::bus::{BusError, Delivery, GroupReader};

/// Entries of one read.
const READ: usize = 256;
/// How long a read waits. A bus that hangs is noticed a second later.
const WAIT: Duration = Duration::from_secs(1);
/// After so long without anything new the producers are asked directly.
const QUIET: Duration = Duration::from_secs(5);
/// Between two attempts at a bus or a database that is away.
const RETRY: Duration = Duration::from_secs(1);

/// What one consumer's loop remembers.
struct Session {
    reader: Option<Box<dyn GroupReader>>,
    /// When something new was applied, or the producers were asked, last.
    fresh: Instant,
    /// Entries may have been read and not applied.
    behind: bool,
    failing: bool,
}

impl Consumer {
    /// Consumes until told to stop. What is being applied then is finished first.
    pub async fn run(&self, stop: CancellationToken) {
        let mut session =
            Session { reader: None, fresh: Instant::now(), behind: false, failing: false };
        while !stop.is_cancelled() {
            let error = match self.step(&mut session, &stop).await {
                Ok(()) => {
                    if std::mem::take(&mut session.failing) {
                        tracing::info!(consumer = self.name(), "consuming events again");
                    }
                    continue;
                }
                Err(ConsumeError::Stopped) => break,
                Err(error) => error,
            };
            if !std::mem::replace(&mut session.failing, true) {
                tracing::warn!(consumer = self.name(), %error, "consumer");
            }
            if matches!(error, ConsumeError::Bus(_)) {
                // Events flow without the bus, only slower.
                session.reader = None;
                session.fresh = Instant::now();
                if let Err(error) = self.pull_all(&stop).await {
                    tracing::debug!(consumer = self.name(), %error, "pulling events");
                }
            } else {
                session.behind = true;
            }
            let _ = stop.run_until_cancelled(sleep(RETRY)).await;
        }
    }

    async fn step(
        &self,
        session: &mut Session,
        stop: &CancellationToken,
    ) -> Result<(), ConsumeError> {
        if session.behind || session.fresh.elapsed() > QUIET {
            self.pull_all(stop).await?;
            session.behind = false;
            session.fresh = Instant::now();
        }
        let reader = match &mut session.reader {
            Some(reader) => reader,
            None => session.reader.insert(self.join(stop).await?),
        };
        let read = stop.run_until_cancelled(reader.next(READ, WAIT)).await;
        let deliveries = read.ok_or(ConsumeError::Stopped)??;
        if deliveries.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = deliveries.iter().map(|delivery| delivery.id.clone()).collect();
        if self.deliver(deliveries, stop).await? > 0 {
            session.fresh = Instant::now();
        }
        Ok(reader.ack(&ids).await?)
    }

    async fn join(&self, stop: &CancellationToken) -> Result<Box<dyn GroupReader>, ConsumeError> {
        let subscription = &self.inner.subscription;
        let joining =
            self.inner.bus.reader(&subscription.stream, subscription.consumer, &self.inner.member);
        let joined: Option<Result<_, BusError>> = stop.run_until_cancelled(joining).await;
        Ok(joined.ok_or(ConsumeError::Stopped)??)
    }

    /// Applies entries, source by source. What was handed out before may have been applied by a
    /// replica that died before it could say so.
    async fn deliver(
        &self,
        deliveries: Vec<Delivery>,
        stop: &CancellationToken,
    ) -> Result<usize, ConsumeError> {
        let mut by_source: Vec<(Service, Vec<Envelope>)> = Vec::new();
        let mut repeated = Vec::new();
        for Delivery { id: _, event, again } in deliveries {
            let source = event.metadata.source;
            let Some(_) = self.place(source) else { continue };
            if again && event.metadata.position <= self.checkpoint(source).await? {
                repeated.push(event);
                continue;
            }
            match by_source.iter_mut().find(|(known, _)| *known == source) {
                Some((_, events)) => events.push(event),
                None => by_source.push((source, vec![event])),
            }
        }
        if !repeated.is_empty() {
            self.inner.subscription.handler.committed(&repeated).await;
        }
        let mut total = 0;
        for (source, mut events) in by_source {
            // A relay that was set back may have published anew what is further down the stream.
            events.sort_by_key(|event| event.metadata.position);
            total += self.feed(source, &events, stop).await?;
        }
        Ok(total)
    }
}
