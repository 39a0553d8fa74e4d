//! The user service's public keys (JWKS, RFC 7517), cached: fetched again for an unknown `kid`, and
//! from time to time, so that a key that was dropped stops being accepted.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use contracts::client::Clients;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, ThumbprintHash};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;

/// The keys are asked for at most this often: forged `kid`s must not become a flood.
const PAUSE: TimeDelta = TimeDelta::seconds(2);
/// Keys older than this are fetched again, behind the request that notices.
const STALE: TimeDelta = TimeDelta::seconds(30);
/// With keys older than this a request waits for newer ones: nobody has asked for a while.
const OLD: TimeDelta = TimeDelta::seconds(45);
/// How long it waits; then the old ones do.
const PATIENCE: Duration = Duration::from_secs(1);

/// The keys known, by `kid`.
pub struct Keys {
    clients: Clients,
    clock: Arc<dyn Clock>,
    tasks: TaskTracker,
    known: RwLock<Known>,
    /// Held while the keys are fetched: one fetch at a time.
    asked: Arc<Mutex<Option<Asked>>>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<DecodingKey>>,
    /// When they were fetched; `None` before the first time.
    at: Option<DateTime<Utc>>,
}

/// When the keys were last asked for, and whether there was an answer.
#[derive(Clone, Copy)]
struct Asked {
    at: DateTime<Utc>,
    answered: bool,
}

/// The user service could not be asked for its keys: a token can be neither trusted nor refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unverifiable;

impl Keys {
    /// No keys yet; the first token fetches them. Fetches behind a request are among `tasks`.
    pub fn new(clients: Clients, clock: Arc<dyn Clock>, tasks: TaskTracker) -> Arc<Self> {
        let (known, asked) = (RwLock::default(), Arc::default());
        Arc::new(Self { clients, clock, tasks, known, asked })
    }

    /// Whether less than `limit` has passed. A clock that was set back has passed every limit.
    fn within(&self, limit: TimeDelta, since: DateTime<Utc>) -> bool {
        let passed = self.clock.now() - since;
        passed >= TimeDelta::zero() && passed < limit
    }

    fn peek(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).keys.get(kid).cloned()
    }

    /// The key of a `kid`; `None` if the user service has no such key, or no longer. While the user
    /// service is away, the keys it had last are used.
    pub async fn find(
        self: &Arc<Self>,
        kid: &str,
    ) -> Result<Option<Arc<DecodingKey>>, Unverifiable> {
        self.refresh().await;
        if let Some(key) = self.peek(kid) {
            return Ok(Some(key));
        }
        let mut asked = Arc::clone(&self.asked).lock_owned().await;
        if let Some(key) = self.peek(kid) {
            return Ok(Some(key));
        }
        // Those who waited for a fetch share its outcome.
        if let Some(last) = asked.filter(|last| self.within(PAUSE, last.at)) {
            return if last.answered { Ok(None) } else { Err(Unverifiable) };
        }
        self.fetch(&mut asked).await?;
        Ok(self.peek(kid))
    }

    /// Sees to it that the keys get no older than they may.
    async fn refresh(self: &Arc<Self>) {
        let at = self.known.read().unwrap_or_else(PoisonError::into_inner).at;
        let Some(at) = at.filter(|at| !self.within(STALE, *at)) else { return };
        let wait = if let Ok(asked) = Arc::clone(&self.asked).try_lock_owned() {
            if asked.is_some_and(|last| self.within(PAUSE, last.at)) {
                return;
            }
            // One that went unanswered is not worth waiting for again.
            let hopeful = asked.is_none_or(|last| last.answered);
            let keys = Arc::clone(self);
            self.tasks.spawn(async move { keys.fetch_behind(asked).await });
            hopeful
        } else {
            // Somebody is at it.
            true
        };
        if wait && !self.within(OLD, at) {
            let _ = tokio::time::timeout(PATIENCE, self.asked.lock()).await;
        }
    }

    async fn fetch_behind(&self, mut asked: OwnedMutexGuard<Option<Asked>>) {
        // A failure is logged and leaves the old keys, and the next request tries again.
        let _ = self.fetch(&mut asked).await;
    }

    async fn fetch(&self, asked: &mut Option<Asked>) -> Result<(), Unverifiable> {
        let at = self.clock.now();
        let answer = self.clients.jwks().await;
        *asked = Some(Asked { at: self.clock.now(), answered: answer.is_ok() });
        match answer {
            Ok(body) => {
                self.replace(&body, at);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "could not fetch the signing keys");
                Err(Unverifiable)
            }
        }
    }

    /// Takes the place of all keys known before. An answer without a single key is none.
    fn replace(&self, body: &[u8], at: DateTime<Utc>) {
        let set = serde_json::from_slice::<JwkSet>(body).ok();
        let keys: HashMap<_, _> = set.iter().flat_map(|set| &set.keys).filter_map(usable).collect();
        if keys.is_empty() {
            tracing::warn!("the answer with the signing keys was not a JWKS with an Ed25519 key");
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Known { keys, at: Some(at) };
    }
}

/// A key with its `kid`, if it is an Ed25519 one, whatever else the set may hold, and the `kid` is its
/// thumbprint: so a `kid` never comes to mean another key.
fn usable(jwk: &Jwk) -> Option<(String, Arc<DecodingKey>)> {
    let AlgorithmParameters::OctetKeyPair(pair) = &jwk.algorithm else { return None };
    (pair.curve == EllipticCurve::Ed25519).then_some(())?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256).ok()?;
    (jwk.common.key_id.as_ref() == Some(&kid)).then_some(())?;
    Some((kid, Arc::new(DecodingKey::from_jwk(jwk).ok()?)))
}

#[cfg(test)]
mod tests;
