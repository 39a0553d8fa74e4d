//! Users' facts: who exists, is active, and may do what.

use std::sync::Arc;
use std::time::Duration;

use contracts::client::{ClientError, Clients};
use contracts::event::DirectoryEvent;
use contracts::facts::UserFacts;
use moka::sync::Cache;
use uuid::Uuid;

use super::Near;
use crate::platform::Platform;
use crate::streams::WatchNews;

/// What is known of a user.
#[derive(Debug, Clone)]
pub enum UserLookup {
    /// The user's facts.
    Known(Arc<UserFacts>),
    /// There is no such user.
    Unknown,
    /// The user service does not answer. `changed`: an event told of a change that could not be
    /// looked at since, so that nothing older may be trusted.
    Unreachable {
        /// Whether an unseen change is known of.
        changed: bool,
    },
}

/// Users' facts, near.
pub struct UserDirectory {
    clients: Clients,
    near: Arc<Near<Option<Arc<UserFacts>>>>,
    /// Users with a change not looked at yet, by the event that told of it.
    changed: Cache<Uuid, Uuid>,
}

impl UserDirectory {
    /// A directory that hears the platform's events.
    pub fn new(platform: &Platform) -> Arc<Self> {
        let near = Near::new(100_000, platform.settings.facts_ttl);
        let changed =
            Cache::builder().max_capacity(100_000).time_to_live(Duration::from_hours(1)).build();
        let (dropped, noted) = (Arc::clone(&near), changed.clone());
        platform.listen(move |news| match news {
            WatchNews::Lost => dropped.forget_all(),
            WatchNews::Event(event) => match DirectoryEvent::parse(&event.event_type) {
                Some(DirectoryEvent::UserUpdated | DirectoryEvent::UserDeleted) => {
                    noted.insert(event.metadata.aggregate_id, event.metadata.event_id);
                    dropped.forget(event.metadata.aggregate_id);
                }
                Some(DirectoryEvent::TenantDeleted | DirectoryEvent::TenantUpdated) => {
                    dropped.forget_all();
                }
                Some(
                    DirectoryEvent::TenantSettingsChanged
                    | DirectoryEvent::ResourceUpdated
                    | DirectoryEvent::ResourceDeleted
                    | DirectoryEvent::CategoryUpdated,
                )
                | None => {}
            },
        });
        Arc::new(Self { clients: platform.clients.clone(), near, changed })
    }

    /// What is known of a user.
    pub async fn find(&self, id: Uuid) -> UserLookup {
        let load = || async {
            let mark = self.changed.get(&id);
            let found = self.clients.user(id).await?;
            // A change that came while this was asked for is not seen by it.
            if mark.is_some() && self.changed.get(&id) == mark {
                self.changed.invalidate(&id);
            }
            Ok::<_, ClientError>(found.map(Arc::new))
        };
        match self.near.get(id, load).await {
            Ok(Some(facts)) => UserLookup::Known(facts),
            Ok(None) => UserLookup::Unknown,
            Err(error) => {
                // An answer that is no fact speaks against the user as a change does.
                let answered = matches!(*error, ClientError::Unexpected { .. });
                UserLookup::Unreachable { changed: answered || self.changed.contains_key(&id) }
            }
        }
    }

    /// Forgets what is known of a user, where the owner changed it in this very process.
    pub fn forget(&self, id: Uuid) {
        self.near.forget(id);
    }
}
