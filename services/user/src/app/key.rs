//! The keys that sign access tokens (Ed25519, PKCS#8), and their public halves as a JWKS (RFC 7517,
//! RFC 8037). A `kid` is the thumbprint of the public half (RFC 7638), so a new key has a new one.
//!
//! The file may change while the service runs: it is looked at again and again, and what is broken
//! changes nothing.

mod file;
mod ring;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use common::Clock as _;
use common::auth::{Actor, Claims, Session};
use common::clock::SystemClock;
use common::platform::Job;
use common::settings::{Environment, Settings, SigningKey};
use thiserror::Error;
use uuid::Uuid;

use crate::store::User;

/// The longest life of a token by which an operator acts as a user.
pub(crate) const IMPERSONATION: std::time::Duration = std::time::Duration::from_mins(15);

pub(crate) use file::rotate;
pub(crate) use ring::{Jwks, Published};

use file::{Stamp, make_missing, read};
use ring::{Member, Ring};

/// A key in a changed file signs only once the file is as old as this: by then every replica publishes
/// it.
const DELAY: TimeDelta = TimeDelta::seconds(10);
/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Why there is no signing key.
#[derive(Debug, Error)]
pub(crate) enum KeyError {
    /// The file.
    #[error("SIGNING_KEY_FILE {path}: {source}")]
    File {
        /// Where it was looked for.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is not the kind of key that is wanted.
    #[error(
        "every signing key must be an Ed25519 private key, PKCS#8 in PEM (openssl genpkey -algorithm ed25519)"
    )]
    NotEd25519,
    /// No key could be made.
    #[error("the system gave no randomness for a key")]
    NoRandomness,
}

impl KeyError {
    fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }
}

/// Signs access tokens.
pub(crate) struct Signer {
    /// Where the keys come from, if they can change.
    path: Option<PathBuf>,
    held: RwLock<Arc<Held>>,
    delay: TimeDelta,
    issuer: String,
    audience: String,
    ttl: Duration,
}

/// The keys as they were last read.
struct Held {
    ring: Ring,
    published: Published,
    stamp: Option<Stamp>,
}

impl Held {
    fn new(text: &str, stamp: Option<Stamp>) -> Result<Arc<Self>, KeyError> {
        let ring = Ring::parse(text)?;
        Ok(Arc::new(Self { published: ring.publish(), ring, stamp }))
    }

    /// The key that signs at `now`.
    fn signer(&self, now: SystemTime, delay: TimeDelta) -> &Member {
        let wait = delay.to_std().unwrap_or_default();
        let recent = self.stamp.map(|stamp| stamp.modified).filter(|modified| {
            // A file of the near future is one of another clock's present.
            let age = now.duration_since(*modified);
            age.unwrap_or_else(|ahead| if ahead.duration() < wait { Duration::ZERO } else { wait })
                < wait
        });
        self.ring.signer(recent.map(DateTime::<Utc>::from), delay)
    }
}

/// A key, as a person is told of it.
pub(crate) struct Told {
    /// Its name.
    pub(crate) kid: String,
    /// When it was made, if that is known.
    pub(crate) made: Option<DateTime<Utc>>,
    /// Whether it signs at this moment.
    pub(crate) signs: bool,
}

impl Signer {
    /// The signer with the configured keys. In development a missing file is made.
    pub(crate) fn load(settings: &Settings) -> Result<Self, KeyError> {
        if let SigningKey::File(path) = &settings.signing_key
            && settings.environment == Environment::Development
        {
            make_missing(path, SystemClock.now())?;
        }
        Self::of_what_is_there(settings)
    }

    /// The signer with the configured keys; nothing is made.
    pub(crate) fn of_what_is_there(settings: &Settings) -> Result<Self, KeyError> {
        let held = match &settings.signing_key {
            SigningKey::Pem(pem) => Held::new(pem, None)?,
            SigningKey::File(path) => {
                let (text, stamp) = read(path).map_err(|source| KeyError::file(path, source))?;
                Held::new(&text, Some(stamp))?
            }
        };
        let path = match &settings.signing_key {
            SigningKey::Pem(_) => None,
            SigningKey::File(path) => Some(path.clone()),
        };
        Ok(Self {
            path,
            held: RwLock::new(held),
            delay: DELAY,
            issuer: settings.jwt_issuer.clone(),
            audience: settings.jwt_audience.clone(),
            ttl: settings.token_ttl,
        })
    }

    fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// An access token for `user` in a session, from `now` on.
    pub(crate) fn sign(
        &self,
        user: &User,
        session: Session,
        now: DateTime<Utc>,
        id: Uuid,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            sub: user.id,
            tenant_id: user.profile.tenant_id,
            user_type: user.profile.user_type,
            permissions: user.profile.effective(),
            sid: session.id,
            auth_time: session.auth_time,
            act: session.impersonator.map(|sub| Actor { sub }),
            iat: now.timestamp(),
            exp: now.timestamp().saturating_add_unsigned(self.life(&session).as_secs()),
            jti: id,
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
        };
        let held = self.held();
        // The file's age is the machine's business, whatever the time of the token.
        let member = held.signer(SystemTime::now(), self.delay);
        jsonwebtoken::encode(&member.header, &claims, &member.key)
    }

    /// How long a token lives.
    pub(crate) fn ttl_seconds(&self) -> u64 {
        self.ttl.as_secs()
    }

    /// How long a token of this session lives.
    pub(crate) fn life(&self, session: &Session) -> std::time::Duration {
        match session.impersonator {
            Some(_) => self.ttl.min(IMPERSONATION),
            None => self.ttl,
        }
    }

    /// The public halves.
    pub(crate) fn published(&self) -> Published {
        self.held().published.clone()
    }

    /// The keys in order, without anything secret.
    pub(crate) fn told(&self) -> Vec<Told> {
        let held = self.held();
        let signs = &held.signer(SystemTime::now(), self.delay).public.kid;
        let tell = |member: &Member| Told {
            kid: member.public.kid.clone(),
            made: member.made,
            signs: member.public.kid == *signs,
        };
        held.ring.members().iter().map(tell).collect()
    }

    /// Reads the file again if it has changed; whether the keys are others now. A file that is gone or
    /// broken leaves the keys as they are.
    pub(crate) fn reload(&self) -> Result<bool, KeyError> {
        let Some(path) = &self.path else { return Ok(false) };
        let failed = |source| KeyError::file(path, source);
        let held = self.held();
        if held.stamp == Some(Stamp::at(path).map_err(failed)?) {
            return Ok(false);
        }
        let (text, stamp) = read(path).map_err(failed)?;
        let new = Held::new(&text, Some(stamp))?;
        let changed = new.published.etag != held.published.etag;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(changed)
    }

    /// Looks at the file while the service runs.
    pub(crate) fn watch(self: &Arc<Self>) -> Job {
        let signer = Arc::clone(self);
        // Told once, not every two seconds.
        let told = Arc::new(RwLock::new(String::new()));
        Job {
            name: "look for changed signing keys",
            every: EVERY,
            wake: None,
            run: Arc::new(move || {
                let (signer, told) = (Arc::clone(&signer), Arc::clone(&told));
                Box::pin(async move {
                    signer.look(&told);
                    Ok(())
                })
            }),
        }
    }

    fn look(&self, told: &RwLock<String>) {
        let (problem, changed) = match self.reload() {
            Ok(changed) => (String::new(), changed),
            Err(error) => (error.to_string(), false),
        };
        if changed {
            let keys: Vec<String> = self.told().into_iter().map(|key| key.kid).collect();
            tracing::info!(keys = keys.join(" "), "the signing keys have changed");
        }
        let mut told = told.write().unwrap_or_else(PoisonError::into_inner);
        if !problem.is_empty() && *told != problem {
            tracing::error!(
                error = problem,
                "the changed signing keys cannot be used; the old ones stay"
            );
        }
        *told = problem;
    }
}

#[cfg(test)]
mod tests;
