//! Passwords: what they must be like, and their hashes: argon2id at the configured cost, off the async
//! threads.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use common::metrics::Metrics;
use common::settings::PasswordCost;
use contracts::password::PasswordPolicy;
use contracts::problem::FieldFault;
use thiserror::Error;
use tokio::sync::Semaphore;

use super::password_policy;

/// How long a sign-in may wait for a free core; then the caller is asked to come back.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a password could not be hashed or compared.
#[derive(Debug, Error)]
pub(crate) enum PasswordError {
    /// Too many others are being hashed.
    #[error("too many sign-ins at once")]
    Busy,
    /// The hasher itself.
    #[error("hashing a password: {0}")]
    Failed(String),
}

/// Hashes and compares passwords, as many at a time as there are cores. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    cores: Arc<Semaphore>,
    patience: Duration,
    /// What is compared with where there is nothing to compare with.
    decoy: Arc<str>,
    /// Where comparisons are counted.
    metrics: Metrics,
}

impl Passwords {
    /// Makes the decoy: one hash, some tens of milliseconds.
    pub(crate) fn new(cost: PasswordCost, metrics: Metrics) -> Result<Self, PasswordError> {
        let PasswordCost { memory_kib, passes, lanes } = cost;
        let params = Params::new(memory_kib, passes, lanes, None).map_err(failed)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let nobody: [u8; 32] = rand::random();
        let decoy = argon2.hash_password(&nobody).map_err(failed)?.to_string().into();
        let cores = Arc::new(Semaphore::new(cores));
        Ok(Self { argon2, cores, patience: PATIENCE, decoy, metrics })
    }

    /// Whether `password` may be set under a tenant's `policy`; what is wrong with it otherwise.
    ///
    /// Every way of setting a password asks this first.
    pub(crate) fn accept(policy: PasswordPolicy, password: &str) -> Result<(), Vec<FieldFault>> {
        Self::accept_at("password", policy, password)
    }

    /// The same, of a field with another name.
    pub(crate) fn accept_at(
        path: &str,
        policy: PasswordPolicy,
        password: &str,
    ) -> Result<(), Vec<FieldFault>> {
        match password_policy::fault(policy, path, password) {
            Some(fault) => Err(vec![fault]),
            None => Ok(()),
        }
    }

    /// Whether `hash` was made at another cost than is configured now.
    pub(crate) fn is_outdated(&self, hash: &str) -> bool {
        let Ok(known) = PasswordHash::new(hash) else { return false };
        let wanted = self.argon2.params();
        let params = Params::try_from(&known.params).ok();
        let same = params.is_some_and(|params| {
            params.m_cost() == wanted.m_cost()
                && params.t_cost() == wanted.t_cost()
                && params.p_cost() == wanted.p_cost()
        });
        !same || known.algorithm.as_str() != Algorithm::Argon2id.as_str()
    }

    /// The hash of a new password, a PHC string with a salt of its own.
    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let argon2 = self.argon2.clone();
        let work = move || argon2.hash_password(password.as_bytes()).map(|hash| hash.to_string());
        self.run(work).await?.map_err(failed)
    }

    /// Whether `password` is the one of `hash`. Without a hash it is not, in the same time.
    pub(crate) async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        let (argon2, decoy) = (self.argon2.clone(), Arc::clone(&self.decoy));
        let metrics = self.metrics.clone();
        let work = move || {
            metrics.password_compared();
            let known = PasswordHash::new(hash.as_deref().unwrap_or(&decoy))?;
            let same = argon2.verify_password(password.as_bytes(), &known).is_ok();
            Ok(same && hash.is_some())
        };
        let done: Result<bool, argon2::password_hash::phc::Error> = self.run(work).await?;
        done.map_err(failed)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let waited =
            tokio::time::timeout(self.patience, Arc::clone(&self.cores).acquire_owned()).await;
        let core = waited.map_err(|_| PasswordError::Busy)?.map_err(failed)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(core);
            done
        });
        done.await.map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(cost: PasswordCost) -> Passwords {
        Passwords::new(cost, Metrics::default()).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_verifies_and_no_hash_never_does() {
        let passwords = at(PasswordCost::default());
        let hash = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = |password: &str, hash: Option<&String>| {
            let (passwords, password, hash) =
                (passwords.clone(), password.to_owned(), hash.cloned());
            async move { passwords.verify(password, hash).await.unwrap() }
        };
        assert!(verify("correct horse", Some(&hash)).await);
        assert!(!verify("battery staple", Some(&hash)).await);
        assert!(!verify("correct horse", None).await);
    }

    #[tokio::test]
    async fn two_hashes_of_one_password_differ() {
        let passwords = at(PasswordCost::default());
        let one = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert_ne!(one, passwords.hash("correct horse".to_owned()).await.unwrap());
    }

    #[tokio::test]
    async fn who_waits_too_long_for_a_core_is_sent_away() {
        let mut passwords = at(PasswordCost::default());
        passwords.patience = Duration::from_millis(1);
        let all = u32::try_from(passwords.cores.available_permits()).unwrap();
        let _busy = passwords.cores.acquire_many(all).await.unwrap();
        let refused = passwords.verify("x".to_owned(), None).await;
        assert!(matches!(refused, Err(PasswordError::Busy)));
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_outdated_and_still_verifies() {
        let now = PasswordCost::default();
        let others = [
            PasswordCost { memory_kib: 8_192, ..now },
            PasswordCost { passes: 1, ..now },
            PasswordCost { lanes: 2, ..now },
        ];
        let passwords = at(now);
        let hash = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(!passwords.is_outdated(&hash));
        for cost in others {
            let old = at(cost).hash("correct horse".to_owned()).await.unwrap();
            assert!(passwords.is_outdated(&old), "{old}");
            assert!(passwords.verify("correct horse".to_owned(), Some(old)).await.unwrap());
        }
        assert!(passwords.is_outdated(&hash.replace("argon2id", "argon2i")));
        assert!(!passwords.is_outdated("not a hash"));
    }

    #[tokio::test]
    async fn every_comparison_is_counted_with_a_hash_or_without() {
        let metrics = Metrics::default();
        let passwords = Passwords::new(PasswordCost::default(), metrics.clone()).unwrap();
        let hash = passwords.hash("correct horse".to_owned()).await.unwrap();
        passwords.verify("correct horse".to_owned(), Some(hash)).await.unwrap();
        passwords.verify("correct horse".to_owned(), None).await.unwrap();
        assert!(metrics.render().contains("marca_password_comparisons_total 2\n"));
    }
}
