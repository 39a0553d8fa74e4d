//! Facts of one kind by id: near, dropped by events, and wary of what changed while nobody could ask.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use contracts::client::ClientError;
use contracts::event::Envelope;
use moka::sync::Cache;
use uuid::Uuid;

use super::Near;
use crate::platform::Platform;
use crate::streams::WatchNews;

/// The most facts of one kind held near.
const CAPACITY: u64 = 100_000;
/// How long a change that could not be looked at is remembered: longer than any access token lives.
const WARY: Duration = Duration::from_hours(1);

/// What is known of something.
#[derive(Debug, Clone)]
pub enum Lookup<T> {
    /// Its facts.
    Known(Arc<T>),
    /// There is no such thing.
    Unknown,
    /// The owner does not answer. `changed`: an event told of a change that could not be looked at
    /// since, so that nothing older may be trusted.
    Unreachable {
        /// Whether an unseen change is known of.
        changed: bool,
    },
}

/// What an event makes doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    /// Nothing held here.
    Nothing,
    /// The facts of one id.
    One(Uuid),
    /// Everything.
    All,
}

/// Facts of type `T`, near.
pub(super) struct Directory<T: Send + Sync + 'static> {
    near: Arc<Near<Option<Arc<T>>>>,
    /// Ids with a change not looked at yet, by the event that told of it.
    changed: Cache<Uuid, Uuid>,
}

impl<T: Send + Sync + 'static> Directory<T> {
    /// A directory that hears the platform's events; `touched` says what each concerns.
    pub(super) fn new(platform: &Platform, touched: fn(&Envelope) -> Touch) -> Self {
        let near = Near::new(CAPACITY, platform.settings.facts_ttl);
        let changed = Cache::builder().max_capacity(CAPACITY).time_to_live(WARY).build();
        let (dropped, noted) = (Arc::clone(&near), changed.clone());
        platform.listen(move |news| match news {
            WatchNews::Lost => dropped.forget_all(),
            WatchNews::Event(event) => match touched(event) {
                Touch::Nothing => {}
                Touch::One(id) => {
                    noted.insert(id, event.metadata.event_id);
                    dropped.forget(id);
                }
                Touch::All => dropped.forget_all(),
            },
        });
        Self { near, changed }
    }

    /// What is known of `id`; `ask` asks its owner.
    pub(super) async fn find<F>(&self, id: Uuid, ask: impl FnOnce() -> F) -> Lookup<T>
    where
        F: Future<Output = Result<Option<T>, ClientError>>,
    {
        let load = || async {
            let mark = self.changed.get(&id);
            let found = ask().await?;
            // A change that came while this was asked for is not seen by it.
            if mark.is_some() && self.changed.get(&id) == mark {
                self.changed.invalidate(&id);
            }
            Ok::<_, ClientError>(found.map(Arc::new))
        };
        match self.near.get(id, load).await {
            Ok(Some(facts)) => Lookup::Known(facts),
            Ok(None) => Lookup::Unknown,
            Err(error) => {
                // An answer that is no fact speaks against the id as a change does.
                let answered = matches!(*error, ClientError::Unexpected { .. });
                Lookup::Unreachable { changed: answered || self.changed.contains_key(&id) }
            }
        }
    }

    /// Forgets what is known of `id`, where the owner changed it in this very process.
    pub(super) fn forget(&self, id: Uuid) {
        self.near.forget(id);
    }

    /// Forgets everything.
    pub(super) fn forget_all(&self) {
        self.near.forget_all();
    }
}
