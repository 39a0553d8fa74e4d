//! The relay: numbers committed events and puts them on the bus, in order.
//!
//! Every replica runs one. There is no leader: the numbering holds a row lock, and the bus appends
//! only the position after its last, so relays that race, pause or die cannot do harm (ADR: why
//! there is no lease).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use contracts::event::Envelope;
use sea_orm::DbErr;
use thiserror::Error;
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::bus::{BusError, EventBus};
use super::outbox::Outbox;
use crate::Clock;
use crate::db::Database;

/// How often the outbox is looked at when nobody calls.
const POLL: Duration = Duration::from_millis(250);
/// How soon it is looked at again when another replica holds the head row.
const CONTENDED: Duration = Duration::from_millis(10);
/// How often the bus is asked whether it still has what it was given.
const VERIFY: Duration = Duration::from_secs(2);
/// The least time between two turns that had something to publish: under load events travel in
/// batches, which spares the database a commit for each; the first after a pause does not wait.
const PACE: Duration = Duration::from_millis(8);
/// Events numbered, and events published, at a time.
const BATCH: i64 = 500;
/// Batches of one turn; then the next turn numbers what has come in.
const TURN: usize = 20;
/// A turn in which the bus loses its memory more often than this is given up.
const REWINDS: usize = 3;
/// How long [`Relay::drain`] tries.
const DRAIN: Duration = Duration::from_secs(10);

/// Why events could not be relayed.
#[derive(Debug, Error)]
pub enum RelayError {
    /// The database.
    #[error("reading the outbox")]
    Db(#[from] DbErr),
    /// The bus.
    #[error("publishing events")]
    Bus(#[from] BusError),
    /// Others held the head row all the time.
    #[error("another replica is numbering and does not finish")]
    Busy,
}

/// Relays the outbox of one service. Clones are the same relay.
#[derive(Clone)]
pub struct Relay {
    inner: Arc<Inner>,
}

struct Inner {
    db: Database,
    outbox: Outbox,
    bus: Arc<dyn EventBus>,
    stream: String,
    clock: Arc<dyn Clock>,
    wake: Notify,
    delay_ms: AtomicI64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last position known to be on the bus.
    published: Option<i64>,
    /// When the bus was last asked.
    verified: Option<Instant>,
    /// Whether it was said that the database is behind the bus.
    set_back: bool,
}

#[derive(Default)]
struct Turn {
    published: usize,
    contended: bool,
    more: bool,
}

impl Relay {
    /// A relay from `outbox` to `stream` of `bus`.
    pub fn new(
        db: Database,
        outbox: Outbox,
        bus: Arc<dyn EventBus>,
        stream: String,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (wake, delay_ms, state) = Default::default();
        Self { inner: Arc::new(Inner { db, outbox, bus, stream, clock, wake, delay_ms, state }) }
    }

    /// Tells the relay that something was committed. Call it after every commit; it costs nothing.
    pub fn wake(&self) {
        self.inner.wake.notify_one();
    }

    /// How old the newest event was when it was last put on the bus.
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.inner.delay_ms.load(Ordering::Relaxed).max(0).unsigned_abs())
    }

    /// Numbers and publishes everything there is now; returns how many events the bus did not have.
    pub async fn drain(&self) -> Result<usize, RelayError> {
        self.inner.state.lock().await.verified = None;
        let deadline = Instant::now() + DRAIN;
        let mut total = 0;
        while Instant::now() < deadline {
            let turn = self.turn().await?;
            total += turn.published;
            if turn.contended {
                sleep(CONTENDED).await;
            } else if !turn.more {
                return Ok(total);
            }
        }
        Err(RelayError::Busy)
    }

    /// Relays until told to stop; then once more, briefly.
    pub async fn run(&self, stop: CancellationToken) {
        let mut failures = 0_u32;
        while !stop.is_cancelled() {
            let pause = match self.turn().await {
                Ok(turn) => {
                    if failures > 0 {
                        tracing::info!(stream = self.inner.stream, "relaying events again");
                    }
                    failures = 0;
                    if turn.published > 0 && !turn.more {
                        sleep(PACE).await;
                    }
                    match turn {
                        Turn { more: true, .. } => continue,
                        Turn { contended: true, .. } => CONTENDED,
                        Turn { .. } => POLL,
                    }
                }
                Err(error) => {
                    if failures == 0 {
                        let cause = std::error::Error::source(&error).map(ToString::to_string);
                        tracing::warn!(stream = self.inner.stream, %error, cause, "relay");
                    }
                    failures = failures.saturating_add(1);
                    POLL.min(Duration::from_millis(25) * (1 << failures.min(5)))
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.inner.wake.notified() => {}
                () = sleep(pause) => {}
            }
        }
        // What was committed last shall not wait for the next start.
        let _ = timeout(Duration::from_secs(1), self.turn()).await;
    }

    /// Numbering comes first and does not need the bus: consumers read numbered events from us.
    async fn turn(&self) -> Result<Turn, RelayError> {
        let inner = &*self.inner;
        let mut state = inner.state.lock().await;
        let numbered = inner.outbox.number(&inner.db, BATCH).await?;
        let mut turn = Turn {
            contended: numbered.contended,
            more: numbered.events.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX),
            published: 0,
        };
        if let (Some(first), Some(published)) = (numbered.events.first(), state.published)
            && first.metadata.position == published + 1
        {
            self.publish(&mut state, &mut turn, 1, &numbered.events).await?;
        }
        let verified = state.verified.is_some_and(|at| at.elapsed() < VERIFY);
        if state.published != Some(numbered.head) || !verified {
            self.catch_up(&mut state, &mut turn, numbered.head).await?;
        }
        Ok(turn)
    }

    /// Brings the bus from where it says it is to `head`.
    async fn catch_up(
        &self,
        state: &mut State,
        turn: &mut Turn,
        head: i64,
    ) -> Result<(), RelayError> {
        let inner = &*self.inner;
        let mut last = inner.bus.last(inner.outbox.source()).await?;
        state.published = Some(last);
        state.verified = Some(Instant::now());
        let set_back = last > head && last > inner.outbox.head(&inner.db).await?;
        if set_back && !std::mem::replace(&mut state.set_back, set_back) {
            tracing::error!(
                stream = inner.stream,
                bus = last,
                outbox = head,
                "the bus has events this database does not know: was the database set back?"
            );
        }
        let mut rewinds = 0;
        for _ in 0..TURN {
            if last >= head {
                return Ok(());
            }
            let batch = inner.outbox.after(&inner.db, last, BATCH.unsigned_abs()).await?;
            // Positions between `last` and the first there is were pruned.
            let Some(first) = batch.first() else { return Ok(()) };
            let reached = self.publish(state, turn, first.metadata.position, &batch).await?;
            if reached <= last {
                rewinds += 1;
                if rewinds > REWINDS {
                    break;
                }
            }
            last = reached;
        }
        turn.more = true;
        Ok(())
    }

    async fn publish(
        &self,
        state: &mut State,
        turn: &mut Turn,
        floor: i64,
        batch: &[Envelope],
    ) -> Result<i64, RelayError> {
        let inner = &*self.inner;
        // If this fails nobody knows how far the bus got.
        let before = state.published.take();
        let source = inner.outbox.source();
        let last = inner.bus.publish(source, &inner.stream, floor, batch).await?;
        state.published = Some(last);
        let before = before.unwrap_or(0);
        let fresh = |event: &&Envelope| (before + 1..=last).contains(&event.metadata.position);
        turn.published += batch.iter().filter(fresh).count();
        if let Some(newest) = batch.last().filter(fresh) {
            let delay = inner.clock.now() - newest.metadata.occurred_at;
            inner.delay_ms.store(delay.num_milliseconds(), Ordering::Relaxed);
        }
        Ok(last)
    }
}
