//! What the neighbours may know of an API key that somebody has shown them.

use chrono::{DateTime, TimeDelta, Utc};
use common::auth::Scope;
use contracts::facts::ApiKeyFacts;
use contracts::security::SecurityEvent;

use super::told;
use crate::app::Users;
use crate::error::Error;
use crate::store::api_key::{self, ApiKey};

/// A use is written down at most so often.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);
/// An event tells of it at most so often.
const TOLD_EVERY: TimeDelta = TimeDelta::hours(1);

impl Users {
    /// The facts of the key with this hash. Asking is using: that is written down now and then.
    pub(crate) async fn api_key_facts(&self, hash: &str) -> Result<ApiKeyFacts, Error> {
        // Whose it is, is in the answer.
        let found = api_key::by_hash(&self.database.read(Scope::All), hash).await?;
        let key = found.ok_or(Error::UnknownKey)?;
        let now = self.clock.now();
        if key.is_live(now) && due(key.last_used_at, NOTED_EVERY, now) {
            // The answer does not depend on it: a database that cannot write still knows the key.
            match self.note_use(&key, now).await {
                Ok(true) => self.relay.wake(),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, api_key_id = %key.id, "the use of an API key was not noted");
                }
            }
        }
        Ok(key.facts()?)
    }

    /// Writes the use down, unless another process just did; whether an event tells of it.
    async fn note_use(&self, seen: &ApiKey, now: DateTime<Utc>) -> Result<bool, Error> {
        // The request it was used for has an id of its own, which does not come along.
        let trace_id = self.ids.next().simple().to_string();
        let noted = self.database.transact(Scope::Tenant(seen.tenant_id), async |tx| {
            let found = api_key::lock(&tx, seen.tenant_id, seen.id).await?;
            let Some(mut key) = found else { return Ok(false) };
            if !key.is_live(now) || !due(key.last_used_at, NOTED_EVERY, now) {
                return Ok(false);
            }
            key.last_used_at = Some(now);
            let tell = due(key.use_told_at, TOLD_EVERY, now);
            if tell {
                key.use_told_at = Some(now);
                let event = told(SecurityEvent::ApiKeyUsed, &key, None);
                self.outbox.append(&*tx, &trace_id, &[event]).await?;
            }
            api_key::update(&tx, key).await?;
            Ok::<_, Error>(tell)
        });
        noted.await
    }
}

/// Whether what was last done at `last` may be done again.
fn due(last: Option<DateTime<Utc>>, every: TimeDelta, now: DateTime<Utc>) -> bool {
    last.is_none_or(|last| now - last >= every)
}
