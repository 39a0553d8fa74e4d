//! The user service's public keys (JWKS, RFC 7517), cached, fetched again for an unknown `kid`.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use contracts::client::Clients;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet};
use tokio::sync::Mutex;

/// An unknown `kid` asks again at most this often: forged ones must not become a flood.
const PAUSE: Duration = Duration::from_secs(2);

/// The keys known, by `kid`.
pub struct Keys {
    clients: Clients,
    known: RwLock<HashMap<String, Arc<DecodingKey>>>,
    asked: Mutex<Option<Asked>>,
}

/// When the keys were last asked for, and whether there was an answer.
#[derive(Clone, Copy)]
struct Asked {
    at: Instant,
    answered: bool,
}

/// The user service could not be asked for its keys: a token can be neither trusted nor refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unverifiable;

impl Keys {
    /// No keys yet; the first token fetches them.
    pub fn new(clients: Clients) -> Arc<Self> {
        Arc::new(Self { clients, known: RwLock::default(), asked: Mutex::new(None) })
    }

    fn peek(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    /// The key of a `kid`; `None` if the user service has no such key.
    pub async fn find(&self, kid: &str) -> Result<Option<Arc<DecodingKey>>, Unverifiable> {
        if let Some(key) = self.peek(kid) {
            return Ok(Some(key));
        }
        let mut asked = self.asked.lock().await;
        if let Some(key) = self.peek(kid) {
            return Ok(Some(key));
        }
        // Those who waited for a fetch share its outcome, and forged ones must not become a flood.
        if let Some(last) = asked.filter(|last| last.at.elapsed() < PAUSE) {
            return if last.answered { Ok(None) } else { Err(Unverifiable) };
        }
        match self.clients.jwks().await {
            Ok(body) => {
                *asked = Some(Asked { at: Instant::now(), answered: true });
                self.replace(&body);
                Ok(self.peek(kid))
            }
            Err(error) => {
                tracing::warn!(%error, "could not fetch the signing keys");
                *asked = Some(Asked { at: Instant::now(), answered: false });
                Err(Unverifiable)
            }
        }
    }

    fn replace(&self, body: &[u8]) {
        let Ok(set) = serde_json::from_slice::<JwkSet>(body) else {
            tracing::warn!("the answer with the signing keys was not a JWKS");
            return;
        };
        let usable = set.keys.iter().filter_map(|jwk| {
            // Ed25519 and nothing else, whatever the set may say.
            let AlgorithmParameters::OctetKeyPair(pair) = &jwk.algorithm else { return None };
            (pair.curve == EllipticCurve::Ed25519).then_some(())?;
            let key = DecodingKey::from_jwk(jwk).ok()?;
            Some((jwk.common.key_id.clone()?, Arc::new(key)))
        });
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = usable.collect();
    }
}
